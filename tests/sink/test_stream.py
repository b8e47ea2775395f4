import pytest

from tests.sink.exchanges import chunk, sse
from tracer.sink import stream
from tracer.sink.body import Plain
from tracer.sink.stream import looks_like_events, read_stream
from tracer.sse import Decoder


def test_events_with_their_ends() -> None:
    data = b": ping\n\n" + sse(chunk("a"), chunk("b"))
    found = read_stream(Plain(data))
    assert found.documents == [chunk("a"), chunk("b")]
    assert [data[:end].count(b"\n\n") for end in found.ends] == [2, 3]
    assert (found.done, found.heard) == (True, True)


def test_what_is_no_json_object_is_passed_over() -> None:
    found = read_stream(Plain(b"data: hello\n\ndata: [1]\n\ndata: {\n\ndata: {}\n\n"))
    assert (found.documents, found.done, found.heard) == ([{}], False, True)
    assert not read_stream(Plain(b": only comments\n\n")).heard


def test_an_event_without_its_empty_line_counts_if_it_is_whole() -> None:
    assert read_stream(Plain(sse(chunk("a"), done=False) + b'data: {"usage":1}')).documents[-1] == {"usage": 1}
    assert len(read_stream(Plain(sse(chunk("a"), done=False) + b'data: {"usa')).documents) == 1


def test_behind_a_gap_reading_goes_on_at_the_first_empty_line() -> None:
    data = sse(*(chunk(str(number)) for number in range(50)))
    for newline in (b"\n", b"\r\n"):
        wire = data.replace(b"\n", newline)
        for cut in range(100, 400, 7):
            head, tail = wire[:cut], wire[-cut:]
            found = read_stream(Plain(head, tail, True))
            names = [document["choices"][0]["delta"]["content"] for document in found.documents]
            last = [name for name in names if int(name) > 10]
            assert last == [str(number) for number in range(50 - len(last), 50)]
            assert found.done
            assert found.ends == sorted(found.ends)
            assert all(end <= 2 * cut for end in found.ends)


def test_an_error_event_is_an_error_whatever_it_holds() -> None:
    found = read_stream(Plain(b'event: error\ndata: {"message":"busy","type":"overloaded"}\n\n'))
    assert found.documents[0]["error"] == {"message": "busy", "type": "overloaded"}


def test_the_kind_is_known_by_the_type_or_the_first_line() -> None:
    assert looks_like_events("text/event-stream", b"")
    assert looks_like_events("", b"data: {}")
    assert not looks_like_events("", b"{}")
    assert not looks_like_events("application/json", b"data: {}")


def test_an_event_without_its_empty_line_counts_behind_a_gap_too() -> None:
    found = read_stream(Plain(sse(chunk("a"), done=False), b'half\n\ndata: {"usage":1}', True))
    assert found.documents[-1] == {"usage": 1}


def test_an_overlong_event_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "Decoder", lambda: Decoder(300))
    found = read_stream(Plain(sse(chunk("a" * 400), chunk("b"))))
    assert found.documents == [chunk("b")]
    assert found.done
