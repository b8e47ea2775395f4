"""Query results as the demo prints them."""

import json

import pytest

from tracer.demo import tables


def result(names: list[str], rows: list[list[object]]) -> str:
    return json.dumps({"meta": [{"name": name, "type": "String"} for name in names], "data": rows})


def test_values_are_readable(capsys: pytest.CaptureFixture[str]) -> None:
    names = ["text", "nothing", "tiny", "large", "count"]
    assert tables.show(result(names, [["x" * 70, None, 0.0000796, 1016.218114, 12345678]])) == 1
    printed = capsys.readouterr().out
    assert all(name in printed for name in names)
    assert printed.splitlines()[3].split() == ["x" * 39 + "…", "–", "0.0000796", "1016", "12345678"]


def test_wide_results_lie_on_their_side(capsys: pytest.CaptureFixture[str]) -> None:
    names = [f"column_{number}" for number in range(tables.MOST_COLUMNS + 1)]
    assert tables.show(result(names, [[f"a{name}" for name in names], [f"b{name}" for name in names]])) == 2
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert all([name, f"a{name}", f"b{name}"] in lines for name in names)


def test_no_rows_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert tables.show(result(["a"], [])) == 0
