"""TRACER_REDACT and expressions of the operator's own: what is accepted, and what start-up says to the rest."""

import importlib.util
from pathlib import Path

import pytest

from tracer.config import ConfigError, load


def test_off_by_default(tmp_path: Path) -> None:
    (tmp_path / "tracer.toml").write_text("")
    settings, _ = load({}, tmp_path / "tracer.toml")
    assert (settings.redact, settings.redact_patterns) == ((), {})


def test_kinds_and_expressions_from_both_places(tmp_path: Path) -> None:
    file = tmp_path / "tracer.toml"
    file.write_text("redact = ['email']\n[redact_patterns]\nstaff = 'EMP-[0-9]{6}'\n")
    settings, warnings = load({"TRACER_REDACT": "keys, cards", "TRACER_REDACT_PATTERN_CASE_NUMBER": "C-[0-9]{2,4}"}, file)
    assert settings.redact == ("keys", "cards")
    assert settings.redact_patterns == {"staff": "EMP-[0-9]{6}", "case-number": "C-[0-9]{2,4}"}
    assert not warnings


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("TRACER_REDACT", "email, ssn", "`ssn` should be one of keys, cards, email, phone, all, presidio"),
        ("TRACER_REDACT_PATTERN_STAFF", "EMP-(", "`staff` is no usable regular expression: missing )"),
        ("TRACER_REDACT_PATTERN_STAFF", "x*", "`staff` is no usable regular expression: it matches the empty text"),
        ("TRACER_REDACT_PATTERN_EMAIL", "x", "`email` should be a name"),
        ("TRACER_REDACT_PATTERN_", "x", "should be a name"),
    ],
)
def test_wrong_ones_stop_the_start(tmp_path: Path, name: str, value: str, said: str) -> None:
    (tmp_path / "tracer.toml").write_text("")
    with pytest.raises(ConfigError, match="TRACER_REDACT") as refused:
        load({name: value}, tmp_path / "tracer.toml")
    assert said in str(refused.value)


def test_presidio_is_an_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tracer.toml").write_text("redact = ['email', 'presidio']")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"TRACER_REDACT .*pip install 'llm-tracer\[presidio\]'"):
        load({}, tmp_path / "tracer.toml")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name)
    assert load({}, tmp_path / "tracer.toml")[0].redact == ("email", "presidio")
