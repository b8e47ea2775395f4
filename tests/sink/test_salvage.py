import orjson
from hypothesis import given
from hypothesis import strategies as st

from tracer.sink.salvage import all_scalars, last_object, scalars

DOCUMENT = {
    "id": "c-1",
    "choices": [{"message": {"content": 'say "model": "fake" and "usage": {"prompt_tokens": 9}'}, "finish_reason": "stop"}],
    "model": "gpt-4o",
    "stream": True,
    "temperature": 0.5,
    "usage": {"prompt_tokens": 1, "prompt_tokens_details": {"cached_tokens": 0}},
}
TEXT = orjson.dumps(DOCUMENT).decode()


def test_what_a_model_wrote_does_not_look_like_a_key() -> None:
    assert scalars(TEXT, ("model", "stream", "temperature", "seed")) == {"model": "gpt-4o", "stream": True, "temperature": 0.5}
    assert all_scalars(TEXT, "finish_reason") == ["stop"]
    assert last_object(TEXT[20:], ("usage",)) == DOCUMENT["usage"]


def test_the_last_usage_that_is_whole_is_taken() -> None:
    two = '"usage":{"a":1},"usage":{},"usage":null, "usage" : {"b":2'
    assert last_object(two, ("usage",)) == {"a": 1}
    assert last_object("no such thing", ("usage",)) is None


@given(st.text(max_size=60), st.integers(0, 400))
def test_nothing_raises(rubbish: str, start: int) -> None:
    cut = TEXT[start:] + rubbish + TEXT[: start // 2]
    assert isinstance(scalars(cut, ("id", "model")), dict)
    found = last_object(cut, ("usage", "id"))
    assert found is None or found
    assert isinstance(all_scalars('"n": "\\u12', "n"), list)


def test_a_broken_escape_is_an_empty_text() -> None:
    assert scalars(r'"id": "\x"', ("id",)) == {"id": ""}


def test_numbers_that_are_no_usage_are_passed_over() -> None:
    assert last_object('"usage": {"a":' + "[" * 5000, ("usage",)) is None
    assert all_scalars('"n": 1, "n": 2.5', "n") == [1, 2.5]
