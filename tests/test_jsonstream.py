from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cuts import cuts
from tracer.jsonstream import Elements, Lines, Piece
from tracer.sse import Overlong

TEXT = st.one_of(st.text(max_size=12), st.sampled_from(['"', "\\", '\\"', "}{", "][", '{"candidates":', "\u2028", "\n"]))
JSON = st.recursive(
    st.one_of(st.none(), st.integers(-9, 9), TEXT),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXT, inner, max_size=3)),
    max_leaves=12,
)
OBJECTS = st.lists(st.dictionaries(TEXT, JSON, max_size=3), max_size=5)
GAPS = st.sampled_from([b",", b",\n", b"\n,\n", b",\r\n", b" , "])


def read(stream: Lines | Elements, pieces: list[bytes]) -> list[Piece | Overlong]:
    return [found for piece in pieces for found in stream.feed(piece)] + stream.close()


def values(found: list[Piece | Overlong]) -> list[Any]:
    return [orjson.loads(piece.data) for piece in found if isinstance(piece, Piece)]


@given(OBJECTS, st.sampled_from([b"\n", b"\r\n", b"\n\n"]), st.booleans(), st.data())
def test_lines(sent: list[Any], line_end: bytes, last: bool, data: st.DataObject) -> None:
    wire = line_end.join(map(orjson.dumps, sent)) + (line_end if last else b"")
    found = read(Lines(), [wire])
    assert values(found) == sent
    assert read(Lines(), data.draw(cuts(wire))) == found
    for piece in found:
        assert isinstance(piece, Piece)
        assert wire[: piece.end].rstrip().endswith(piece.data)


@given(OBJECTS, GAPS, st.booleans(), st.data())
def test_elements_of_an_array_however_it_is_written(sent: list[Any], gap: bytes, pretty: bool, data: st.DataObject) -> None:
    texts = [orjson.dumps(value, option=orjson.OPT_INDENT_2 if pretty else 0) for value in sent]
    wire = b"[" + gap.join(texts) + b"\n]\n"
    elements = Elements()
    found = read(elements, [wire])
    assert values(found) == sent
    assert elements.closed
    assert [wire[: piece.end].endswith(text) for piece, text in zip(found, texts, strict=True)] == [True] * len(sent)
    assert read(Elements(), data.draw(cuts(wire))) == found
    single = Elements()
    assert read(single, [wire[at : at + 1] for at in range(len(wire))]) == found


@given(OBJECTS)
def test_reading_an_array_may_begin_at_any_element(sent: list[Any]) -> None:
    texts = list(map(orjson.dumps, sent))
    for number in range(len(texts)):
        elements = Elements()
        assert values(read(elements, [b",".join(texts[number:]) + b"]"])) == sent[number:]
        assert elements.closed


def test_a_nested_array_is_one_element_and_none_is_lost_behind_it() -> None:
    assert values(read(Elements(), [b'[[1,{"a":[2]}],{"b":1},3]'])) == [[1, {"a": [2]}], {"b": 1}]


def test_what_the_end_cut_short() -> None:
    assert values(read(Lines(), [b'{"a":1}\n{"b":2}'])) == [{"a": 1}, {"b": 2}]
    elements = Elements()
    assert values(read(elements, [b'[{"a":1},{"b":2'])) == [{"a": 1}]
    assert not elements.closed


@pytest.mark.parametrize("kind", [Lines, Elements])
@pytest.mark.parametrize("size", [1, 5, 1000])
def test_what_is_too_long_is_passed_over(kind: type[Lines | Elements], size: int) -> None:
    wire = b'[{"a":"' + b"x" * 90 + b'"},\n{"b":1}]'
    if kind is Lines:
        wire = wire[1:-1].replace(b",", b"")
    found = read(kind(50), [wire[at : at + size] for at in range(0, len(wire), size)])
    assert [type(piece) for piece in found] == [Overlong, Piece]
    assert values(found) == [{"b": 1}]


@pytest.mark.parametrize("kind", [Lines, Elements])
@given(st.binary(max_size=200), st.data())
def test_nothing_raises_and_cuts_make_no_difference(kind: type[Lines | Elements], wire: bytes, data: st.DataObject) -> None:
    assert read(kind(40), data.draw(cuts(wire))) == read(kind(40), [wire])
