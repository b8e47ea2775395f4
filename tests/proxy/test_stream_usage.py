"""Usage that the caller did not ask for: asked in the request without changing it, taken out of the reply without a trace."""

import itertools
import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer.proxy.stream_usage import UsageFilter, with_usage_requested

OPTION = b'"include_usage":true'


def asked(body: bytes) -> bytes | None:
    return with_usage_requested(body, json.loads(body))


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"stream":true}', b'{"stream_options":{"include_usage":true},"stream":true}'),
        (b'\n { "stream" : true }', b'\n { "stream_options":{"include_usage":true},"stream" : true }'),
        (b'{"stream":true,"stream_options":{}}', b'{"stream":true,"stream_options":{"include_usage":true}}'),
        (
            b'{"stream":true,"stream_options": { "include_obfuscation" : false } }',
            b'{"stream":true,"stream_options": { "include_usage":true,"include_obfuscation" : false } }',
        ),
        (
            b'{"stream":true,"n":1.0,"n":2,"x":1e2}',
            b'{"stream_options":{"include_usage":true},"stream":true,"n":1.0,"n":2,"x":1e2}',
        ),
    ],
)
def test_the_option_is_added_and_nothing_else_changes(body: bytes, expected: bytes) -> None:
    assert asked(body) == expected


@pytest.mark.parametrize(
    "body",
    [
        *(b"{}", b'{"stream":false}', b'{"stream":null}', b'{"stream":"true"}', b'{"stream":1}', b"[]", b"true"),
        b'{"stream":true,"stream":false}',  # the last one counts
        b'{"stream":true,"stream_options":{"include_usage":false}}',
        b'{"stream":true,"stream_options":{"include_usage":true}}',
        b'{"stream":true,"stream_options":{"include_usage":null}}',
        *(
            b'{"stream":true,"stream_options":null}',
            b'{"stream":true,"stream_options":[]}',
            b'{"stream":true,"stream_options":"x"}',
        ),
        b'{"stream":true,"stream_options":{},"stream_options":{"include_usage":false}}',
        b'{"stream":true,"stream_options":{},"stream_options":{}}',
        b'{"stream":true,"stream_options":{},"tools":[{"stream_options":{}}]}',
        b'{"stream":true,"stream\\u005foptions":{},"metadata":{"stream_options":{}}}',  # the only one in sight is not the one
        b'{"stream":true,"x":NaN}',
    ],
)
def test_a_choice_or_a_doubt_leaves_the_request_alone(body: bytes) -> None:
    assert asked(body) is None


def test_text_that_looks_like_the_option_does_not_fool() -> None:
    lure = '"stream_options": {"include_usage": false}, "stream_options":{'
    body = orjson.dumps({"messages": [{"role": "user", "content": lure}], "stream": True, "stream_options": {}})
    made = asked(body)
    assert made is not None
    assert orjson.loads(made)["messages"][0]["content"] == lure
    assert orjson.loads(made)["stream_options"] == {"include_usage": True}
    nested = orjson.dumps({"stream": True, "metadata": {"stream_options": {"a": 1}}})
    assert orjson.loads(asked(nested) or b"null") == {**orjson.loads(nested), "stream_options": {"include_usage": True}}


JSON = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**53), 2**53),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(max_size=8),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.one_of(st.text(max_size=5), st.just("stream_options")), inner, max_size=3),
    ),
    max_leaves=8,
)
BODIES = st.fixed_dictionaries(
    {"stream": st.just(True)},
    optional={
        "messages": JSON,
        "stream_options": st.one_of(
            st.dictionaries(st.sampled_from(["include_usage", "include_obfuscation", "x"]), JSON, max_size=2), JSON
        ),
        "metadata": JSON,
        "z": JSON,
    },
)


@given(
    BODIES, st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", "\t: ")]), st.booleans(), st.sampled_from(["", " ", "\n\r\t"])
)
def test_every_other_byte_is_kept(value: dict[str, Any], separators: tuple[str, str], ascii_only: bool, around: str) -> None:
    try:
        body = (around + json.dumps(value, separators=separators, ensure_ascii=ascii_only) + around).encode()
    except UnicodeEncodeError:
        return
    made = asked(body)
    options = value.get("stream_options", {})
    if not isinstance(options, dict) or "include_usage" in options:
        assert made is None
        return
    if made is None:  # only where another "stream_options" could be meant
        assert body.count(b'"stream_options"') > 1
        return
    assert orjson.loads(made) == {**value, "stream_options": {**options, "include_usage": True}}
    at = made.index(OPTION)
    added = [b'"stream_options":{' + OPTION + b"}", OPTION] if "stream_options" not in value else [OPTION]
    assert any(
        made[: at - shift] + made[at - shift + len(text) :] == body
        for part in added
        for shift in [len(part) - len(OPTION) - part.endswith(b"}")]
        for text in (part + b",", part)
    )


# --- the reply

CONTENT = 'He said "usage":null, then ,"usage":{} and data: {"usage":1}\n\n"choices":[]'
USAGE = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7, "prompt_tokens_details": {"cached_tokens": 0}}


def chunks(with_usage: bool, null: str = "last") -> list[dict[str, Any]]:
    """A stream's chunks as a provider sends them with the option, and without. `null`: where it puts `"usage": null`."""

    def framed(choices: list[Any], **more: Any) -> dict[str, Any]:
        chunk = {"id": "c-1", "object": "chat.completion.chunk", "choices": choices, **more}
        if not with_usage or null == "absent":
            return chunk
        return (
            {"usage": None, **chunk}
            if null == "first"
            else {**chunk, "usage": None, "obfuscation": "xyz"}
            if null == "middle"
            else {**chunk, "usage": None}
        )

    texts = ["", "Hi", CONTENT, "\u2028\x85", "…", '\\"usage\\":null', '{"usage":null,"choices":[]}']
    made = [framed([{"index": 0, "delta": {"content": text}, "finish_reason": None}]) for text in texts]
    made.insert(0, framed([], prompt_filter_results=[{"prompt_index": 0}]))  # Azure's first chunk has no choices either
    made.append(framed([{"index": 0, "delta": {}, "finish_reason": "stop"}]))
    if null == "middle" and not with_usage:
        made = [{**chunk, "obfuscation": "xyz"} for chunk in made]
    if with_usage:
        made.append({"id": "c-1", "object": "chat.completion.chunk", "choices": [], "usage": USAGE})
    return made


def stream(values: list[dict[str, Any]], newline: str, separators: tuple[str, str], after_colon: str, comments: bool) -> bytes:
    lines = [json.dumps(value, separators=separators, ensure_ascii=False) for value in values]
    events = [
        *([": keep-alive"] if comments else []),
        *(f"data:{after_colon}{line}" for line in lines),
        f"data:{after_colon}[DONE]",
    ]
    return "".join(event + newline * 2 for event in events).encode()


def filtered(data: bytes, cuts: list[int], limit: int | None = None) -> bytes:
    usage = UsageFilter()
    if limit is not None:
        usage.MAX_EVENT = limit  # type: ignore[misc]
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    pieces = [data[start:end] for start, end in itertools.pairwise(places)]
    return b"".join(usage.feed(piece) for piece in pieces) + usage.close()


FORMS = st.tuples(
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from([(",", ":"), (", ", ": ")]),
    st.sampled_from(["", " "]),
    st.booleans(),
)


@given(FORMS, st.sampled_from(["first", "middle", "last", "absent"]), st.lists(st.integers(0, 1 << 30), max_size=40))
def test_the_client_sees_what_it_would_have_seen(form: Any, null: str, cuts: list[int]) -> None:
    assert filtered(stream(chunks(True, null), *form), cuts) == stream(chunks(False, null), *form)


@given(FORMS, st.lists(st.integers(0, 1 << 30), max_size=40))
def test_a_stream_without_usage_passes(form: Any, cuts: list[int]) -> None:
    data = stream(chunks(False), *form)
    assert filtered(data, cuts) == data


@given(
    st.lists(
        st.sampled_from(
            [
                b"\n",
                b"\r",
                b"\r\n",
                b"data:",
                b'{"choices":[],"usage":{"a":1}}',
                b'{"a":1,"usage":null}',
                b'"usage"',
                b":x",
                b"y" * 30,
                b"[DONE]",
            ]
        ),
        max_size=30,
    ),
    st.lists(st.integers(0, 1 << 30), max_size=30),
    st.sampled_from([None, 40, 10]),
)
def test_any_cut_gives_the_same_bytes(parts: list[bytes], cuts: list[int], limit: int | None) -> None:
    data = b"".join(parts)
    assert filtered(data, cuts, limit) == filtered(data, [], limit) == filtered(data, list(range(len(data))), limit)


@pytest.mark.parametrize(
    "event",
    [
        b'data: {"choices":[{"delta":{},"finish_reason":"stop"}],"usage":{"total_tokens":7}}\n\n',  # usage with the last choice
        b'data: {"usage":{"total_tokens":7}}\n\n',  # no choices at all: not a chat chunk
        b'data: {"choices":[],"usage":7}\n\n',
        b'data: {"choices":[],"usage":{"total_tokens":7}\n\n',  # broken JSON
        b'event: usage\ndata: {"type":"usage"}\n\n',
    ],
)
def test_what_is_not_the_closing_chunk_stays(event: bytes) -> None:
    assert filtered(b"data: 1\n\n" + event + b"data: 2\n\n", []) == b"data: 1\n\n" + event + b"data: 2\n\n"


def test_events_pass_as_soon_as_they_are_whole() -> None:
    usage = UsageFilter()
    assert usage.feed(b'data: {"a":1}\n\ndata: {"b"') == b'data: {"a":1}\n\n'
    assert usage.feed(b":2}") == b""
    assert usage.feed(b"\n\n") == b'data: {"b":2}\n\n'
    assert usage.close() == b""


def test_a_cut_stream_loses_nothing_but_the_usage() -> None:
    data = stream(chunks(True), "\n", (",", ":"), " ", False)
    plain = stream(chunks(False), "\n", (",", ":"), " ", False)
    for end in range(0, len(data), 7):
        got = filtered(data[:end], [])
        whole = got.rfind(b"\n\n") + 2 if b"\n\n" in got else 0
        assert plain.startswith(got[:whole])  # the events that came whole
        assert data[:end].endswith(got[whole:]) or b'"usage"' in data[:end].rpartition(b"\n\n")[2]  # and of the last what came


def test_an_event_that_is_too_long_passes_and_the_next_is_filtered_again() -> None:
    long = b'data: {"x":"' + b"y" * 200 + b'","usage":null}\n\n'
    short = b'data: {"x":1,"usage":null}\n\n'
    data = short + long + short + long
    expected = b'data: {"x":1}\n\n' + long + b'data: {"x":1}\n\n' + long
    assert filtered(data, [], 100) == filtered(data, list(range(len(data))), 100) == expected
