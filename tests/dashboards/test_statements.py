"""SQL with its shared parts filled in."""

import re
from pathlib import Path

import pytest

from dashboards import statements
from dashboards.statements import statement

PANELS = Path(statements.__file__).parent / "panels"
FILES = sorted(str(path.relative_to(PANELS).with_suffix("")) for path in PANELS.glob("*/*.sql"))
WHOLE = [name for name in FILES if not name.startswith("shared/")]


def test_text_is_taken_as_it_is() -> None:
    assert statement("SELECT @model") == "SELECT if(request_model = '', 'none', request_model)"


def test_parts_hold_parts() -> None:
    assert "$__conditionalAll(provider IN" in statement("SELECT 1 WHERE @chosen")
    assert "345600" in statement("SELECT @step AS time")


@pytest.mark.parametrize("name", WHOLE)
def test_a_file_becomes_one_statement(name: str) -> None:
    sql = statement(name)
    assert sql.startswith(("SELECT", "WITH"))
    assert "@" not in sql
    assert ";" not in sql
    assert "--" not in sql, "Grafana looks for macros in comments too"
    assert "[[" not in sql, "a variable in its old spelling"
    assert sql.count("(") == sql.count(")")


@pytest.mark.parametrize("name", WHOLE)
def test_subqueries_go_to_all_nodes_of_a_cluster(name: str) -> None:
    """Without GLOBAL, a cluster refuses a subquery on another Distributed table."""
    for found in re.finditer(r"(GLOBAL )?(?:NOT )?\bIN\s*\(\s*SELECT", statement(name)):
        assert found[1], found[0]
    for found in re.finditer(r"(GLOBAL )?(?:INNER|LEFT) JOIN", statement(name)):
        assert found[1], found[0]


def test_every_file_is_asked_by_somebody() -> None:
    code = "".join(path.read_text() for path in PANELS.parent.rglob("*.py"))
    variables = {f"variables/{name}" for name in re.findall(r'(?:_several|_listed)\(\s*"(\w+)"', code)}
    assert {name for name in WHOLE if f'"{name}"' not in code} == variables
    parts = "".join((PANELS / f"{name}.sql").read_text() for name in FILES) + "".join(statements.PARTS.values())
    assert {name for name in FILES if name.startswith("shared/") and f"@{name.removeprefix('shared/')}" not in parts} == set()
    assert {name for name in statements.PARTS if f"@{name}" not in parts} == set()


def test_an_unknown_part_is_an_error() -> None:
    with pytest.raises(FileNotFoundError):
        statement("SELECT @nobody")
