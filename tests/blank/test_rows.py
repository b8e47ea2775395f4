"""Every row of every dialect: what it reads of a reply or an event is there after blanking, and nothing else is."""

from typing import Any

import orjson
import pytest

from tracer.blank import blank_json
from tracer.dialects.row import Dialect, Mark, Path, Where, every
from tracer.dialects.table import DIALECTS, PLAIN

ROWS = {row.name or "plain": row for row in (*DIALECTS, PLAIN)}
NAME = "name-1"
SAID = "se cret"


def document(path: Path, value: Any, beside: str = "note") -> Any:
    """A document with this value at the end of the path, and something that was said beside every step."""
    for step in reversed(path):
        if isinstance(step, Where):
            value = [{**value, step.field: step.values[0]} if step.field else value]
        else:
            value = {step: value, beside: SAID, SAID: 1}
    return value


def left(path: Path, value: Any) -> list[Any]:
    blank = blank_json(orjson.dumps(document(path, value)))
    assert SAID.encode() not in blank
    assert blank_json(blank) == blank
    return list(every(orjson.loads(blank), path))


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_names_stay(row: Dialect) -> None:
    for path in (*row.id, *row.model, *row.fingerprint, *row.tier, *row.reasons):
        assert left(path, NAME) == [NAME], path


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_marks_and_ends_stay(row: Dialect) -> None:
    for mark in (*row.marks, *row.ends):
        value: Any = mark.values[0] if mark.values else mark.prefix or SAID
        blank = blank_json(orjson.dumps(document(mark.path, value)))
        if mark.values or mark.prefix:
            assert mark.fits(orjson.loads(blank)), mark
        else:
            assert fits_somehow(mark), mark


def fits_somehow(mark: Mark) -> bool:
    """A mark that asks for presence only: of a text, a figure, an object or a list, as the case may be."""
    values: list[Any] = [SAID, 3, {"usage": {"input_tokens": 1}}, [{}]]
    return any(mark.fits(orjson.loads(blank_json(orjson.dumps(document(mark.path, value))))) for value in values)


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_usage_stays_and_what_is_no_figure_goes(row: Dialect) -> None:
    whole = {"input_tokens": 3, "inputTokenCount": 4, "details": [{"modality": "TEXT", "token_count": 5}]}
    for path in (*row.usage, *row.usage_beside):
        for part in row.figures if path in row.usage and row.figures else ((),):
            if path or part:
                assert left((*path, *part), 7) == [7], (path, part)
        if path and not row.figures:
            assert left(path, {**whole, "said": SAID}) == [whole], path
    for path in row.searches:
        assert left(path, 2) == [2]


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_tokens_are_one_letter(row: Dialect) -> None:
    for path in (*row.tokens, *row.late_tokens):
        assert left(path, SAID) == ["x"], path
        assert left(path, "") == [""], path
        (blank,) = left(path, {SAID: SAID}) or [None]
        assert blank in ("x", {}, None), path


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_errors_keep_their_kind(row: Dialect) -> None:
    for path in row.errors:
        assert left(path, {"type": NAME, "message": SAID}) == [{"type": NAME, "message": "x"}], path
