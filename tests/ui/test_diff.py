from hypothesis import given
from hypothesis import strategies as st

from tracer.ui import diff
from tracer.ui.diff import Line


def side(lines: tuple[Line, ...], kind: str) -> list[str]:
    return ["".join(text for _, text in line.pieces) for line in lines if line.kind in ("same", kind)]


def test_a_word_that_changed() -> None:
    found = diff.diff("Greet {{name}}.\nBe brief.", "Greet {{name}} warmly.\nBe brief.")
    assert [line.kind for line in found] == ["removed", "added", "same"]
    assert [text for changed, text in found[1].pieces if changed] == [" warmly"]
    assert not any(changed for changed, _ in found[2].pieces)


def test_lines_that_have_little_in_common_are_two_lines() -> None:
    found = diff.diff('  "variables": {', '  "model": "gpt-4o-mini",')
    assert [line.kind for line in found] == ["removed", "added"]
    assert not any(changed for line in found for changed, _ in line.pieces)


def test_lines_far_from_a_change_are_counted() -> None:
    old = [str(number) for number in range(100)]
    new = [*old[:50], "new", *old[51:]]
    found = diff.diff("\n".join(old), "\n".join(new))
    assert [line.kind for line in found] == ["skipped", *["same"] * 3, "removed", "added", *["same"] * 3, "skipped"]
    assert (found[0].count, found[-1].count) == (47, 46)


LINES = st.lists(st.sampled_from(["a", "b", "a b", "{{x}}", ""]), max_size=12).map("\n".join)


@given(LINES, LINES)
def test_both_texts_can_be_read_off(old: str, new: str) -> None:
    found = diff.diff(old, new)
    if not found:
        assert old == new
    elif not any(line.kind == "skipped" for line in found):
        assert side(found, "removed") == old.splitlines()
        assert side(found, "added") == new.splitlines()


def test_the_same_has_no_difference() -> None:
    assert diff.diff("a\nb", "a\nb") == ()


def test_endless_texts_are_not_compared() -> None:
    found = diff.diff("a\n" * 100_000, "b\n" * 100_000)
    assert len(found) == 2 * diff.MOST_LINES
    assert {line.kind for line in found} == {"removed", "added"}
    (one, other) = diff.diff("x" * 10_000, "y" * 10_000)
    assert one.pieces == ((False, "x" * 10_000),)
    assert other.kind == "added"
