"""The operator's own expressions: found, refused when they are wrong, stopped when they run away."""

import pytest

from tracer.patterns import custom
from tracer.patterns.search import Search


def test_they_hide_what_they_match() -> None:
    search = Search(custom.finders({"staff": r"\bEMP-\d{6}\b", "project": r"(?i)project \p{Lu}\w+"}))
    assert search.hidden('{"a":"\\u0045MP-123456, project Ünter"}') == '{"a":"[staff], [project]"}'
    assert search.found == {"staff": 1, "project": 1}


def test_json_stays_json_whatever_they_cut() -> None:
    search = Search(custom.finders({"u": "[0-9a-f]{2}", "n": "n"}))
    assert search.hidden('{"x":"\\u00e9\\n\\\\u00e9"}').count('"') == 4


@pytest.mark.parametrize(("expression", "what"), [("(", "missing )"), ("a*", "empty"), ("", "empty"), ("[z-a]", "range")])
def test_wrong_ones_are_told(expression: str, what: str) -> None:
    assert what in custom.fault(expression)
    assert custom.fault("a+") == ""


def test_one_that_runs_away_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(custom, "SECONDS", 0.01)
    search = Search(custom.finders({"bomb": "(?:a|aa|a?)+(?:x|ax)+$"}))
    with pytest.raises(TimeoutError):
        search.hidden("a" * 5000)
