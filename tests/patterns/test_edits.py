"""Edits of bytes and of the chunks that they came in."""

from array import array

from hypothesis import given, settings
from hypothesis import strategies as st

from tracer.patterns.edits import Edit, in_bytes, made, moved


@st.composite
def edited(draw: st.DrawFn) -> tuple[str, list[Edit[str]]]:
    text = draw(st.text(st.sampled_from("abü漢😀\udc80"), max_size=30))
    at = sorted(draw(st.sets(st.integers(0, len(text)), max_size=6)))
    pairs = list(zip(at[::2], at[1::2], strict=False))
    return text, [Edit(start, end, draw(st.sampled_from(["", "[x]", "[longer]"]))) for start, end in pairs]


@settings(max_examples=50)
@given(edited(), st.data())
def test_chunks_go_on_to_add_up(case: tuple[str, list[Edit[str]]], data: st.DataObject) -> None:
    text, edits = case
    raw = text.encode("utf-8", "surrogateescape")
    cuts = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=5)))
    ends = [*cuts, len(raw)]
    lengths = array("I", [end - start for start, end in zip([0, *cuts], ends, strict=True)])
    in_raw = in_bytes(text, edits)
    new = made(raw, in_raw)
    expected = ""
    at = 0
    for start, end, instead in edits:
        expected += text[at:start] + instead
        at = end
    assert new.decode("utf-8", "surrogateescape") == expected + text[at:]
    after = moved(lengths, in_raw)
    assert len(after) == len(lengths)
    assert sum(after) == len(new)


def test_what_stands_instead_came_with_the_last_byte() -> None:
    assert moved(array("I", [4, 4, 4]), [Edit(2, 10, b"[xyz]")]) == array("I", [2, 0, 7])
    assert moved(array("I", [4, 4]), [Edit(4, 8, b"ab")]) == array("I", [4, 2])
    assert moved(array("I", [4, 4]), [Edit(0, 4, b"")]) == array("I", [0, 4])
    assert moved(array("I"), [Edit(0, 4, b"")]) == array("I")
