from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tracer.dialects.row import EACH, Mark, Where, at, cut_out, every, first

DOCUMENT: dict[str, Any] = {
    "a": {"b": 1, "c": None, "d": [{"k": "x", "n": 1}, {"k": "y", "n": 2}, {"n": 3}, 4]},
    "e": "",
    "f": [{"g": [{"h": 1}, {"h": 2}]}, {"g": [{"h": 3}]}],
}


def test_walking() -> None:
    assert at(DOCUMENT, ("a", "b")) == 1
    assert at(DOCUMENT, ()) is DOCUMENT
    assert at(DOCUMENT, ("a", "b", "z")) is None
    assert [*every(DOCUMENT, ("f", EACH, "g", EACH, "h"))] == [1, 2, 3]
    assert [*every(DOCUMENT, ("a", "d", Where("k", ("y", "z")), "n"))] == [2]
    assert [*every(DOCUMENT, ("a", "c"))] == []
    assert [*every(DOCUMENT, ("a", EACH))] == []
    assert first(DOCUMENT, (("a", "c"), ("z",), ("e",), ("a", "b"))) == ""
    assert first(DOCUMENT, (("z",),)) is None


def test_cutting_out() -> None:
    paths = (("a", "b"), ("a", "c"), ("f", EACH, "g", EACH, "h"), ("z",))
    assert cut_out(DOCUMENT, paths) == {"a": {"b": 1}, "f": [{"g": [{"h": 1}, {"h": 2}]}, {"g": [{"h": 3}]}]}
    assert cut_out(DOCUMENT, (("a", "d", Where("k", ("x",)), "n"),)) == {"a": {"d": [{"n": 1}]}}
    assert cut_out("text", (("a",),)) == {}


def test_marks() -> None:
    assert Mark(("a", "b")).fits(DOCUMENT)
    assert not Mark(("a", "c")).fits(DOCUMENT)
    assert Mark(("a",), prefix="me").fits({"a": "message"})
    assert not Mark(("a",), prefix="me").fits({"a": 5})
    assert Mark(("done",), values=(True, False)).fits({"done": False})
    assert not Mark(("done",), values=(True,)).fits({"done": 1})
    assert not Mark(("type",), values=("x",)).fits({"type": ["x"]})


KEYS = st.sampled_from(["a", "b", "c"])
JSON = st.recursive(
    st.one_of(st.none(), st.integers(), st.text(max_size=2)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)),
    max_leaves=20,
)
PATHS = st.lists(st.one_of(KEYS, st.just(EACH), st.just(Where("a", ("b",)))), max_size=4).map(tuple)


@given(st.dictionaries(KEYS, JSON, max_size=3), PATHS)
def test_what_is_cut_out_is_what_the_path_leads_to(document: dict[str, Any], path: tuple[Any, ...]) -> None:
    unfiltered = tuple(EACH if isinstance(step, Where) else step for step in path)
    if path and isinstance(path[0], str):
        assert [*every(cut_out(document, (path,)), unfiltered)] == [*every(document, path)]
