"""The shape of the code, held by tests: who may import whom, no cycles, files that fit into a head."""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("tracer", "exporters", "dashboards")
MOST_LINES = 300
# Files over the limit; this list only shrinks.
TOO_LONG: dict[str, int] = {}

# A room and what it must not see. The proxy and the sink meet in the spool only, so that neither waits for the other's world.
FORBIDDEN = {
    "tracer.proxy": ("tracer.sink", "tracer.store", "tracer.ui", "exporters", "dashboards"),
    "tracer.spool": ("tracer.proxy", "tracer.sink", "tracer.store", "exporters", "dashboards", "tracer.records"),
    "tracer.sink": ("tracer.proxy", "tracer.store", "tracer.ui", "dashboards"),
    "tracer.cache": ("tracer.proxy", "tracer.sink", "tracer.store", "tracer.spool", "exporters", "dashboards"),
    "tracer.registry": (
        *("tracer.proxy", "tracer.sink", "tracer.store", "tracer.spool", "tracer.api", "tracer.cache", "tracer.prompts"),
        *("tracer.scale", "exporters", "dashboards"),
    ),
    # Pure: of the proxy it knows two values, what it wants asked and what it refuses.
    "tracer.prompts": (
        *("tracer.sink", "tracer.store", "tracer.spool", "tracer.api", "tracer.cache", "tracer.scale"),
        *("exporters", "dashboards"),
        *("tracer.registry.database", "tracer.registry.tables", "tracer.registry.prompts", "tracer.registry.snapshot"),
    ),
    # Pure: of the proxy it knows the same two, and upstreams.
    "tracer.scale": (
        *("tracer.sink", "tracer.store", "tracer.spool", "tracer.api", "tracer.cache", "tracer.prompts"),
        *("tracer.proxy.app", "tracer.proxy.forward", "tracer.proxy.ask", "tracer.proxy.flight", "tracer.proxy.main"),
        *("exporters", "dashboards"),
    ),
    # Data: rows that both sides read.
    "tracer.dialects": (
        *("tracer.proxy", "tracer.sink", "tracer.store", "tracer.spool", "tracer.api", "tracer.blank", "tracer.records"),
        *("tracer.ui", "exporters", "dashboards"),
    ),
    # Values in, values out.
    "tracer.patterns": (
        *("tracer.proxy", "tracer.sink", "tracer.store", "tracer.spool", "tracer.api", "tracer.ui", "tracer.config"),
        *("exporters", "dashboards"),
    ),
    "tracer.api": ("tracer.sink", "tracer.ui", "exporters", "dashboards"),
    "tracer.store": ("tracer.proxy", "tracer.sink", "tracer.spool", "exporters", "dashboards"),
    # Pages read: SQL by the store's client, people's things by the registry. Of the API they know whose rows are whose.
    "tracer.ui": (
        *("tracer.proxy", "tracer.sink", "tracer.spool", "tracer.cache", "tracer.scale", "tracer.store.engine", "exporters"),
        *("dashboards.boards", "dashboards.panels", "tracer.api.questions", "tracer.api.directory"),
    ),
    "exporters": ("tracer.proxy", "tracer.spool", "tracer.ui", "dashboards"),
    "dashboards": ("tracer.proxy", "tracer.sink", "tracer.spool", "exporters"),
}
# Values and pure functions: they know of no other room.
LEAVES = (
    "tracer.records",
    "tracer.signals",
    "tracer.redact",
    "tracer.ids",
    "tracer.tokens",
    "tracer.sse",
    "tracer.inflate",
    "tracer.metrics",
)
# Imports inside functions, each with its reason.
LATE_IMPORTS = {
    "tracer.cache.cache",  # redis-py takes 0.2 s to load, and most workers have no Redis
    "tracer.child",  # which process it is decides what it loads
    "tracer.doctor",  # the same; every command would wait for it
    "tracer.demo.__main__",  # says what is missing before what needs it is loaded
    "tracer.sink.count",  # the tokenizer takes a second and 70 MB, and most processes never estimate
    "tracer.store.client",  # the engine is half a gigabyte of library, for the one query that finds nobody to ask
}


def modules() -> dict[str, Path]:
    found = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


def imports(name: str, *, everywhere: bool = True) -> Iterator[str]:
    """The modules of ours that a module imports; at its top only, unless `everywhere`."""
    tree = ast.parse(MODULES[name].read_text())
    for node in ast.walk(tree) if everywhere else tree.body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in MODULES)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                if inner in MODULES or node.module in MODULES:
                    yield inner if inner in MODULES else node.module


def inside(name: str, room: str) -> bool:
    return name == room or name.startswith(room + ".")


def test_there_is_something_to_look_at() -> None:
    assert "tracer.proxy.forward" in MODULES
    assert "tracer.proxy.flight" in set(imports("tracer.proxy.forward"))
    assert "tracer.sink.dead" in set(imports("tracer.sink.drain"))


@pytest.mark.parametrize("room", FORBIDDEN)
def test_rooms_do_not_see_each_other(room: str) -> None:
    seen = {
        (name, imported)
        for name in MODULES
        if inside(name, room)
        for imported in imports(name)
        for forbidden in FORBIDDEN[room]
        if inside(imported, forbidden)
    }
    assert not seen


@pytest.mark.parametrize("leaf", LEAVES)
def test_leaves_see_nobody(leaf: str) -> None:
    assert set(imports(leaf)) <= set(LEAVES)


def test_no_cycles() -> None:
    try:
        TopologicalSorter({name: set(imports(name)) - {name} for name in MODULES}).prepare()
    except CycleError as error:
        pytest.fail(" → ".join(error.args[1]))


def test_imports_stand_at_the_top() -> None:
    late = {
        (name, imported)
        for name in MODULES
        if name not in LATE_IMPORTS
        for imported in set(imports(name)) - set(imports(name, everywhere=False))
    }
    assert not late


def test_files_are_short() -> None:
    lines = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in MODULES.values()}
    long = {name: count for name, count in lines.items() if count > MOST_LINES}
    assert {name: count for name, count in long.items() if count > TOO_LONG.get(name, MOST_LINES)} == {}
    assert set(TOO_LONG) <= set(long), "the list of exceptions can shrink"


def test_every_file_says_what_it_is_for() -> None:
    assert not [
        name
        for name, path in MODULES.items()
        if path.read_text().strip() and not ast.get_docstring(ast.parse(path.read_text()))
    ]


BROAD = {
    "tracer.proxy.forward": 1,  # the request edge
    "tracer.proxy.express": 1,  # the request edge of calls that have no task
    "tracer.proxy.open_calls": 1,  # a note that cannot be made must not end the worker
    "tracer.api.edge": 1,  # the request edge of Tracer's own endpoints
    "tracer.ui.guard": 1,  # the request edge of the pages
    "tracer.cache.cache": 1,  # stores fail in ways of their own, and none may cost a call
    "tracer.spool.writer": 2,  # the request edge, where records are made; and the spool's thread, which must live
    "tracer.store.server": 1,  # the store's request edge
    "tracer.sink.drain": 1,  # the drain loop
    "tracer.patterns.redactor": 2,  # a call and a signal: content that could not be searched must not pass
    "tracer.sink.contents": 1,  # the drain loop: one exchange that cannot be understood
}


def test_broad_catches_are_where_they_may_be() -> None:
    found = {}
    for name, path in MODULES.items():
        broad = sum(map(catches_all, ast.walk(ast.parse(path.read_text()))))
        if broad:
            found[name] = broad
    assert found == BROAD


def catches_all(node: ast.AST) -> bool:
    """A broad `except` that keeps what it caught; one that cleans up and raises again hides nothing."""
    if not isinstance(node, ast.ExceptHandler) or (isinstance(last := node.body[-1], ast.Raise) and last.exc is None):
        return False
    return node.type is None or getattr(node.type, "id", "") in ("Exception", "BaseException")
