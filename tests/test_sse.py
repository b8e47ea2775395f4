import itertools
import re

from hypothesis import example, given
from hypothesis import strategies as st

from tracer.sse import Decoder, Event, Overlong

LIMIT = 60


def decode(pieces: list[bytes], limit: int = LIMIT) -> tuple[list[Event | Overlong], Event | None, int | None]:
    decoder = Decoder(limit)
    events = [event for piece in pieces for event in decoder.feed(piece)]
    return events, decoder.close(), decoder.retry_ms


def by_the_book(stream: bytes) -> list[tuple[str, str, str]]:
    """The standard's algorithm, word by word, on the whole stream as text; no limit."""
    lines = re.split("\r\n|\r|\n", stream.decode("utf-8-sig", "replace"))
    data = name = last_id = ""
    events = []
    for line in lines[:-1]:  # what follows the last line end is an unfinished line
        if line == "":
            if data:
                events.append((name or "message", data.removesuffix("\n"), last_id))
            data = name = ""
            continue
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "data":
            data += value + "\n"
        elif field == "event":
            name = value
        elif field == "id" and "\0" not in value:
            last_id = value
    return events


LINES = st.sampled_from(
    [
        b"data: x",
        b"data:y",
        b"data",
        b"data:",
        b'data: {"a": "\xe2\x80\xa8"}',
        b"data: \xff\xc3",
        b"event: done",
        b"event:",
        b"id: 7",
        b"id: a\0b",
        b"id",
        b"retry: 250",
        b"retry: x1",
        b": ping",
        b":" + b"c" * 80,
        b"data: " + b"z" * 50,
        b"data: " + b"z" * 70,
        b"unknown: 1",
        b" data: indented",
        b"",
        b"",
        b"",
    ]
)
ENDS = st.sampled_from([b"\n", b"\n", b"\n", b"\r\n", b"\r"])
STREAMS = st.builds(
    lambda bom, lines, rest: bom + b"".join(line + end for line, end in lines) + rest,
    st.sampled_from([b"", b"\xef\xbb\xbf", b"\xef\xbb"]),
    st.lists(st.tuples(LINES, ENDS), max_size=14),
    st.sampled_from([b"", b"data: unfinished", b"\xef", b":"]),
)


def cut(stream: bytes, at: list[int]) -> list[bytes]:
    edges = [0, *sorted(min(a, len(stream)) for a in at), len(stream)]
    return [stream[a:b] for a, b in itertools.pairwise(edges)]


@given(STREAMS, st.lists(st.integers(0, 400), max_size=12))
@example(b"data: x\r\n\r\ndata: y\r\n\r\n", [8, 9, 10])
@example(b"\xef\xbb\xbfdata: x\n\n", [1, 2])
def test_any_cut_gives_the_same_events(stream: bytes, at: list[int]) -> None:
    whole = decode([stream])
    assert decode(cut(stream, at)) == whole
    assert decode([stream[i : i + 1] for i in range(len(stream))]) == whole


@given(STREAMS)
def test_the_standard_is_followed(stream: bytes) -> None:
    events, _, _ = decode([stream], limit=10_000)
    assert [(e.name, e.data, e.id) for e in events if isinstance(e, Event)] == by_the_book(stream)


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=5))
def test_no_bytes_make_it_raise(stream: bytes, at: list[int]) -> None:
    assert decode(cut(stream, at)) == decode([stream])


@given(STREAMS)
def test_end_is_where_the_stream_can_be_cut(stream: bytes) -> None:
    events, _, _ = decode([stream], limit=10_000)
    for number, event in enumerate(events, 1):
        assert decode([stream[: event.end]], limit=10_000)[0] == events[:number]


def test_every_single_cut_of_a_stream_as_providers_send_it() -> None:
    stream = (
        b": PROCESSING\n\n"
        b'event: response.created\ndata: {"type":"response.created"}\n\n'
        b'data: {"choices":[]}\n\n'
        b"data: one\ndata: two\nid: 9\n\n"
        b"data: [DONE]\n\n"
    )
    expected = [
        ("response.created", '{"type":"response.created"}', ""),
        ("message", '{"choices":[]}', ""),
        ("message", "one\ntwo", "9"),
        ("message", "[DONE]", "9"),
    ]
    for i in range(len(stream)):
        for newline in (b"\n", b"\r\n", b"\r"):
            sent = stream.replace(b"\n", newline)
            events, unfinished, _ = decode([sent[:i], sent[i:]])
            assert [(e.name, e.data, e.id) for e in events if isinstance(e, Event)] == expected
            assert unfinished is None


def test_an_overlong_event_is_replaced_and_the_next_one_is_whole() -> None:
    long = b"data: " + b"x" * LIMIT + b"\n\n"
    events, unfinished, _ = decode([b"data: a\n\n" + long + b"data: b\n\n"])
    assert [type(event) for event in events] == [Event, Overlong, Event]
    assert [event.end for event in events] == [9, 9 + len(long), 18 + len(long)]
    assert unfinished is None


def test_memory_stays_bounded_while_an_endless_event_arrives() -> None:
    decoder = Decoder(1000)
    decoder.feed(b"data: ")
    for _ in range(1000):
        assert decoder.feed(b"x" * 100) == []
        assert decoder.feed(b"\n" if _ % 7 == 0 else b"") == []
    held = sum(map(len, decoder._data)) + sum(map(len, decoder._partial)) + len(decoder._tail)
    assert held <= 1000
    assert decoder.close() is None


def test_comments_do_not_count_towards_the_limit() -> None:
    events, _, _ = decode([b":" + b"c" * 1000, b"c" * 1000 + b"\ndata: x\n\n"])
    assert [event.data for event in events if isinstance(event, Event)] == ["x"]


def test_a_long_event_in_small_pieces_takes_the_line_path_and_comes_out_whole() -> None:
    text = b"y" * 100_000
    decoder = Decoder()
    stream = b"data: " + text + b"\n\ndata: z\n\n"
    events = [e for i in range(0, len(stream), 777) for e in decoder.feed(stream[i : i + 777])]
    assert [e.data for e in events if isinstance(e, Event)] == [text.decode(), "z"]


def test_the_event_that_the_end_cut_short_is_handed_out_by_close() -> None:
    for rest in (b"data: last", b"data: last\n", b"event: x\ndata: last\n"):
        _, unfinished, _ = decode([b"data: a\n\n", rest])
        assert unfinished is not None
        assert unfinished.data == "last"
        assert unfinished.end == 9 + len(rest)
    assert decode([b"data: a\n\n: comment"])[1] is None


def test_retry_is_read_when_it_is_a_number() -> None:
    assert decode([b"retry: 1500\nretry: 1e3\n\n"])[2] == 1500


def test_lines_of_json_without_a_field_count_where_the_decoder_is_loose() -> None:
    pretty = b'{\n  "error": {\n    "code": 503\n  }\n}'
    stream = b"data: a\n\n" + pretty + b"\n\ndata: b\n{}\n\n" + pretty
    expected = ["a", pretty.decode(), "{}", "b", pretty.decode()]
    for i in range(len(stream)):
        decoder = Decoder(loose=True)
        events = [*decoder.feed(stream[:i]), *decoder.feed(stream[i:]), decoder.close()]
        assert [event.data for event in events if isinstance(event, Event)] == expected
        assert [event.end for event in events if event][-1] == len(stream)
    assert [event.data for event in decode([stream])[0] if isinstance(event, Event)] == ["a", "b"]


@given(STREAMS.map(lambda stream: stream.replace(b"data: x", b'{"a": 1}')), st.lists(st.integers(0, 400), max_size=12))
def test_any_cut_gives_the_same_events_where_it_is_loose(stream: bytes, at: list[int]) -> None:
    def loosely(pieces: list[bytes]) -> object:
        decoder = Decoder(LIMIT, loose=True)
        return [event for piece in pieces for event in decoder.feed(piece)], decoder.close()

    assert loosely(cut(stream, at)) == loosely([stream])
