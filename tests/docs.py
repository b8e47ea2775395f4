"""The pages of docs/ that are rendered from code: settings, metrics, commands.

`python -m tests.docs` writes them; tests/test_docs.py fails when one is stale.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import typer.main
from prometheus_client.metrics import MetricWrapperBase
from pydantic.fields import FieldInfo

from tests import compatibility
from tests.bench.page import page as benchmarks_page
from tests.dashboards.docs import queries_page
from tests.dialects.docs import usage_page
from tests.faults.page import page as faults_page
from tests.proxy.docs import providers_page
from tests.scale.docs import scale_page
from tests.soak.page import page as soak_page
from tracer import cli, metrics
from tracer.config import Settings

DOCS = Path(__file__).parents[1] / "docs"
WRITTEN = "Written by `python -m tests.docs` from {source}; change it there."
_BY_NAME = {
    "upstreams": "TRACER_UPSTREAM_<PROVIDER>",
    "keys": "TRACER_KEY_<PROVIDER>",
    "redact_patterns": "TRACER_REDACT_PATTERN_<NAME>",
}
_SIZES = (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10))

_SETTINGS_INTRO = """\
Each setting is a key in `tracer.toml` and an environment variable; the environment wins. The file is looked for in the working
directory, or where `--config` or `TRACER_CONFIG` says. Sizes may be written `64MiB`, lists `a, b`. `tracer config` prints what
is in force. A wrong value stops the start with the setting's name."""
_OTEL = """\
The `OTEL_*` variables keep their standard meaning: with `OTEL_EXPORTER_OTLP_ENDPOINT` (or that for `TRACES` or `METRICS`) set,
spans and metrics are exported; `OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=SPAN_ONLY` puts content on spans."""


def settings_page() -> str:
    """docs/settings.md"""
    rows = [_setting(name, field) for name, field in Settings.model_fields.items() if name != "otel"]
    return "\n".join(
        [
            "# Settings",
            "",
            WRITTEN.format(source="`tracer/config.py`"),
            "",
            _SETTINGS_INTRO,
            "",
            "| key | variable | default | meaning |",
            "|---|---|---|---|",
            *rows,
            "",
            _OTEL,
            "",
        ]
    )


def _setting(name: str, field: FieldInfo) -> str:
    variable = _BY_NAME.get(name, f"TRACER_{name.upper()}")
    return f"| `{name}` | `{variable}` | {_default(field)} | {_cell(field.description or '')} |"


def _default(field: FieldInfo) -> str:
    value = field.default
    if value in (None, (), {}):
        return "unset"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, int) and value >= 1 << 20:  # numbers that large are sizes
        return f"`{_size(value)}`"
    return f"`{value:.15g}`" if isinstance(value, float) else f"`{value}`"


def _size(value: int) -> str:
    return next((f"{value // unit}{name}" for name, unit in _SIZES if value % unit == 0), str(value))


def metrics_page() -> str:
    """docs/metrics.md"""
    rows = [f"| `{name}` | {kind} | {labels} | {_cell(text)} |" for name, kind, labels, text in sorted(_metrics())]
    return "\n".join(
        [
            "# Metrics",
            "",
            WRITTEN.format(source="`tracer/metrics.py`"),
            "",
            "`/metrics` on the proxy's port, in Prometheus's text format, summed over all processes of one `tracer up`.",
            "",
            "| name | kind | labels | meaning |",
            "|---|---|---|---|",
            *rows,
            "",
        ]
    )


def _metrics() -> Iterator[tuple[str, str, str, str]]:
    for metric in vars(metrics).values():
        if isinstance(metric, MetricWrapperBase):
            kind = metric._type
            name = metric._name + ("_total" if kind == "counter" else "")
            yield name, kind, ", ".join(f"`{label}`" for label in metric._labelnames), metric._documentation


def commands_page() -> str:
    """docs/commands.md"""
    parts = ["# Commands", "", WRITTEN.format(source="`tracer/cli.py` and the files it names"), "", _EXIT_CODES]
    for name, command in _commands("tracer", typer.main.get_command(cli.app)):
        parts += ["", f"## `{name}`", "", "```text", _help(name, command), "```"]
    return "\n".join([*parts, ""])


def _commands(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    """A command and those below it."""
    yield name, command
    for below, inner in getattr(command, "commands", {}).items():
        yield from _commands(f"{name} {below}", inner)


_EXIT_CODES = """\
Exit codes: 0 done, 1 it did not work out (a failed query, no such trace, a finding of `doctor`), 2 wrong options or
settings."""


def _help(name: str, command: Any) -> str:
    with typer.main.get_command(cli.app).context_class(
        command, info_name=name, max_content_width=100, terminal_width=100
    ) as context:
        lines = command.get_help(context).splitlines()
    return "\n".join(line.rstrip() for line in lines).strip()


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


PAGES: dict[str, Callable[[], str]] = {
    "settings.md": settings_page,
    "metrics.md": metrics_page,
    "commands.md": commands_page,
    "scale.md": scale_page,
    "compatibility.md": compatibility.page,
    "queries.md": queries_page,
    "providers.md": providers_page,
    "usage.md": usage_page,
    "benchmarks.md": benchmarks_page,
    "fault-matrix.md": faults_page,
    "soak.md": soak_page,
}


def main() -> None:
    for name, page in PAGES.items():
        (DOCS / name).write_text(page())
        print(f"wrote docs/{name}")


if __name__ == "__main__":
    main()
