"""The end of a stream: no bare sentinel, every other byte unchanged and at once."""

import itertools
import json
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer.scale.stream_end import StreamEnd
from tracer.sse import Decoder, Event

CHUNK = json.dumps(
    {"choices": [{"index": 0, "delta": {"content": "data: [DONE]\u2028\n\ndata: [DONE]\n\n"}}]}, ensure_ascii=False
)


def filtered(data: bytes, cuts: Iterable[int] = (), *, unname_errors: bool = False) -> bytes:
    end = StreamEnd(unname_errors=unname_errors)
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return b"".join(end.feed(data[a:b]) for a, b in itertools.pairwise(places)) + end.close()


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("space", [b"", b" "])
@pytest.mark.parametrize("trailing", [b"", b" ", b"\t   "])
def test_the_sentinel_goes_and_nothing_else(end: bytes, space: bytes, trailing: bytes) -> None:
    before = b"data:" + space + CHUNK.encode() + end * 2 + b": ping" + end * 2
    sentinel = b"data:" + space + b"[DONE]" + trailing
    for data, expected in (
        (before + sentinel + end * 2, before),
        (before + sentinel + end, before),  # a server that forgets the empty line
        (before + sentinel, before),
        (before + sentinel + end * 2 + before, before * 2),
        (sentinel + end * 2, b""),
        (b": last words" + end + sentinel + end * 2, b": last words" + end),
    ):
        assert filtered(data) == filtered(data, range(len(data))) == expected
        for cut in range(len(data)):
            assert filtered(data, [cut]) == expected


@pytest.mark.parametrize(
    "data",
    [
        b"event: done\ndata: [DONE]\n\n",  # named: the SDKs skip it
        b"data: [DONE]\nevent: done\n\n",
        b"id: 7\ndata: [DONE]\n\n",
        b"data: [DONE]\ndata: more\n\n",
        b"data: more\ndata: [DONE]\n\n",
        b"data: [DONE]x\n\n",
        b"data: [DONE\n\n",
        b"data:  [DONE]\n\n",
        b" data: [DONE]\n\n",
        b'data: {"choices":[{"delta":{"content":"data: [DONE]"}}]}\n\n',
        b"data: [DO",
        b"event: error\ndata: {}\n\n",
        b"\xef\xbb\xbfdata: 1\n\n",
        b"\n\n\n",
        b"",
    ],
)
def test_what_only_looks_like_it_stays(data: bytes) -> None:
    assert filtered(data) == filtered(data, range(len(data))) == data


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("space", [b"", b" "])
def test_errors_lose_their_name_where_names_are_skipped(end: bytes, space: bytes) -> None:
    error = b'data: {"error":{"message":"overloaded"}}' + end * 2
    data = b"data: {}" + end * 2 + b"event:" + space + b"error" + end + error + b"data: [DONE]" + end * 2
    expected = b"data: {}" + end * 2 + error
    assert filtered(data, unname_errors=True) == filtered(data, range(len(data)), unname_errors=True) == expected
    assert filtered(data) == data.removesuffix(b"data: [DONE]" + end * 2)


def test_other_names_stay() -> None:
    data = b"event: errors\ndata: 1\n\nevent: ping\ndata: 2\n\ndata: event: error\n\nid: 1\nevent: error\ndata: 3\n\n"
    assert filtered(data, unname_errors=True) == filtered(data, range(len(data)), unname_errors=True) == data


PIECES = [
    *(
        b"\n",
        b"\r",
        b"\r\n",
        b"\n\n",
        b"data:",
        b"data: [DONE]",
        b"data:[DONE]",
        b" ",
        b"[DONE]",
        b"event: error",
        b"event: done",
    ),
    *(b"data: {}", b": c", b"d", b"data: [DO", b"NE]", b"id: 1", b"\t", b"\x00", b"\xe2\x80\xa8"),
]


@given(st.lists(st.sampled_from(PIECES), max_size=25), st.lists(st.integers(0, 1 << 20), max_size=25), st.booleans())
def test_any_cut_gives_the_same_bytes(parts: list[bytes], cuts: list[int], unname: bool) -> None:
    data = b"".join(parts)
    whole = filtered(data, unname_errors=unname)
    assert filtered(data, cuts, unname_errors=unname) == whole
    assert filtered(data, range(len(data)), unname_errors=unname) == whole
    assert filtered(data, itertools.accumulate(map(len, parts)), unname_errors=unname) == whole


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        ([b"id: 1\n", b"data: x\n\n", b"data: [DONE]\n\n"], b"id: 1\ndata: x\n\n"),
        ([b"data: [DONE]\r\n\r", b"\n\n", b"data: [DONE]\n\n"], b"\n"),
        ([b"data: x\r", b"\n\n", b"data: [DONE]\n\n"], b"data: x\r\n\n"),
        ([b"data: [DONE]\n", b"data: x\n\n"], b"data: [DONE]\ndata: x\n\n"),
    ],
)
def test_whole_events_after_a_part_of_one(pieces: list[bytes], expected: bytes) -> None:
    end = StreamEnd()
    assert b"".join(map(end.feed, pieces)) + end.close() == expected


@given(st.lists(st.sampled_from(PIECES), max_size=25))
def test_clients_see_the_same_events_but_for_the_sentinel(parts: list[bytes]) -> None:
    """By the standard's own rules, read with the decoder that the sink uses."""
    data = b"".join(parts)

    def events(data: bytes) -> list[tuple[str, str]]:
        return [(event.name, event.data) for event in Decoder().feed(data + b"\n\n") if isinstance(event, Event)]

    def bare(name: str, text: str) -> bool:
        return name == "message" and text.rstrip(" \t") == "[DONE]"

    before, after = events(data), events(filtered(data))
    assert [event for event in after if not bare(*event)] == [event for event in before if not bare(*event)]
    assert len(after) <= len(before)


def test_pieces_pass_at_once() -> None:
    end = StreamEnd()
    assert end.feed(b'data: {"a"') == b'data: {"a"'
    assert end.feed(b":1}\n") == b":1}\n"
    assert end.feed(b"\n") == b"\n"
    assert end.feed(b"data: [DON") == b""  # may become the sentinel: waits
    assert end.feed(b"T]\n\n") == b"data: [DONT]\n\n"
    assert end.feed(b"data: {}\n\ndata: [DONE]\n\n") == b"data: {}\n\n"
    assert end.close() == b""


ALL_PASS = [piece for piece in PIECES if b"DONE" not in piece and b"NE]" not in piece and b"event" not in piece]


@given(st.lists(st.sampled_from(ALL_PASS), max_size=25), st.booleans())
def test_little_is_held_back(parts: list[bytes], unname: bool) -> None:
    end = StreamEnd(unname_errors=unname)
    sent = passed = 0
    for part in parts:
        sent += len(part)
        passed += len(end.feed(part))
        assert sent - passed <= 20
    assert passed + len(end.close()) == sent


def test_a_long_line_costs_no_more_than_its_length() -> None:
    line = b"data: " + b"x" * (1 << 20)
    end = StreamEnd()
    assert b"".join(end.feed(line[at : at + 4096]) for at in range(0, len(line), 4096)) == line
