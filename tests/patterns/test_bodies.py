"""Bodies whatever their coding, type and wholeness."""

import gzip
import json
import zlib
from array import array

import brotli
import pytest
from backports import zstd
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cuts import cuts
from tests.patterns.planted import CARDS, EMAILS
from tracer.patterns.bodies import AT_THE_HOLE, Kept, hidden_body
from tracer.patterns.kinds import built_in
from tracer.patterns.search import Search
from tracer.records import Body

JSON = ("content-type", "application/json")
MAIL = EMAILS[0].encode()
DOCUMENT = json.dumps({"model": "m", "user": EMAILS[0], "usage": {"prompt_tokens": 4111, "total_tokens": 5000}}).encode()
CODINGS = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstd.compress,
    "gzip, br": lambda data: brotli.compress(gzip.compress(data)),
}


def hidden(body: Body, *headers: tuple[str, str], pieces: list[bytes] | None = None) -> tuple[Kept, Search]:
    search = Search(built_in(["all"]))
    return hidden_body(search, body, array("I", map(len, pieces or [])), headers), search


def whole(data: bytes) -> Body:
    return Body(data, b"", len(data))


def test_a_document_stays_one_and_its_figures_too() -> None:
    kept, search = hidden(whole(DOCUMENT), JSON)
    assert json.loads(kept.body.head) == json.loads(DOCUMENT) | {"user": "[email]"}
    assert kept.body.size == len(DOCUMENT)
    assert not kept.body.truncated
    assert search.found == {"email": 1}


@pytest.mark.parametrize("coding", sorted(CODINGS))
def test_what_stands_behind_the_end_of_a_compressed_body_is_not_kept(coding: str) -> None:
    kept, _ = hidden(whole(CODINGS[coding](b'{"model": "m"}') + b" " + MAIL), JSON, ("content-encoding", coding))
    assert MAIL not in kept.body.head


def test_a_body_without_any_is_the_same_object() -> None:
    body = whole(b'{"a": 1}')
    assert hidden(body, JSON)[0].body is body


@pytest.mark.parametrize("coding", CODINGS)
def test_compressed_bodies_are_searched(coding: str) -> None:
    packed = CODINGS[coding](DOCUMENT)
    kept, _ = hidden(whole(packed), JSON, ("content-encoding", coding), pieces=[packed[:10], packed[10:]])
    assert json.loads(kept.body.head)["user"] == "[email]"
    assert kept.headers == (JSON,)
    assert sum(kept.lengths) == len(kept.body.head)
    assert kept.body.size == len(packed)
    clean = whole(CODINGS[coding](b'{"a": 1}'))
    assert hidden(clean, JSON, ("content-encoding", coding))[0].body is clean


def test_what_cannot_be_read_is_not_kept() -> None:
    for coding, data in (("x-own", b"abc"), ("gzip", b"no gzip at all"), ("zstd", MAIL)):
        kept, _ = hidden(whole(data), JSON, ("content-encoding", coding), pieces=[data])
        assert (kept.body.head, kept.body.tail) == (b"", b"")
        assert kept.body.truncated
        assert kept.body.size == len(data)
        assert list(kept.lengths) == [0]
        assert coding in kept.lost


def test_of_a_broken_coding_the_part_before_is_kept() -> None:
    packed = gzip.compress(DOCUMENT * 3000, 0)
    broken = packed[:60_000] + b"\xff" * 100 + packed[60_100:]
    kept, _ = hidden(whole(broken), JSON, ("content-encoding", "gzip"), pieces=[broken[:50_000], broken[50_000:]])
    assert MAIL not in kept.body.head
    assert kept.body.head.startswith(b'{"model"')
    assert kept.body.truncated


@settings(max_examples=40)
@given(st.data())
def test_pieces_of_a_compressed_stream_go_on_to_add_up(data: st.DataObject) -> None:
    events = b"".join(b'data: {"content": "%s"}\n\n' % part for part in (b"to john@", b"example", b".com", b" ok"))
    packed = gzip.compress(events)
    pieces = data.draw(cuts(packed))
    headers = (("content-type", "text/event-stream"), ("content-encoding", "gzip"))
    kept, _ = hidden(whole(packed), *headers, pieces=pieces)
    assert sum(kept.lengths) == len(kept.body.head)
    assert len(kept.lengths) == len(pieces)
    assert kept.body.head == hidden(whole(events), headers[0])[0].body.head


@pytest.mark.parametrize("media", ["application/json", "text/event-stream", "text/plain"])
@pytest.mark.parametrize("at", range(1, len(MAIL)))
def test_nothing_is_left_of_what_the_hole_cut(media: str, at: int) -> None:
    filler = b'data: {"content": "x"}\n\n' * 400
    head, tail = filler + b'data: {"content": "to ' + MAIL[:at], MAIL[at:] + b' ok"}\n\n' + filler
    pieces = [head, tail]
    kept, _ = hidden(Body(head, tail, len(head) + len(tail) + 99, True), ("content-type", media), pieces=pieces)
    assert MAIL[:at][-4:] not in kept.body.head[-200:] or at < 4
    assert b"example.com"[-at:] not in kept.body.tail[:9] or at < 4
    assert len(kept.body.head) <= len(head) - AT_THE_HOLE
    assert sum(kept.lengths) == len(kept.body.head) + len(kept.body.tail)
    assert kept.body.truncated


def test_head_and_tail_without_a_hole_are_one() -> None:
    document = b'data: {"content": "' + MAIL + b'"}\n\n'
    for at in range(len(document)):
        pieces = [document[:at], document[at:]]
        kept, _ = hidden(Body(*pieces, len(document), False), ("content-type", "text/event-stream"), pieces=pieces)
        assert kept.body.head + kept.body.tail == b'data: {"content":"[email]"}\n\n'
        assert sum(kept.lengths) == len(kept.body.head)


def test_both_sides_of_a_hole_are_searched() -> None:
    for media, around in (("text/event-stream", b'data: {"content": "%s"}\n\n'), ("application/json", b'{"a": "%s"},')):
        part = (around % b"x ") * 600 + around % MAIL + (around % b" x") * 600
        kept, search = hidden(Body(part, part, 10**6, True), ("content-type", media), pieces=[part, part])
        assert MAIL not in kept.body.head + kept.body.tail
        assert search.found == {"email": 2}
        assert sum(kept.lengths) == len(kept.body.head) + len(kept.body.tail)


def test_forms_are_read_as_such() -> None:
    form = b"to=john%40example.com&card=4111+1111+1111+1111&x=1"
    kept, search = hidden(whole(form), ("content-type", "application/x-www-form-urlencoded"))
    assert kept.body.head == b"to=[email]&card=[card]&x=1"
    assert search.found == {"email": 1, "card": 1}


def test_media_stay_and_texts_that_are_called_so_do_not() -> None:
    picture = b"\x89PNG\x00\xff " + MAIL + b" \xfe"
    assert hidden(whole(picture), ("content-type", "image/png"))[0].body.head == picture
    assert MAIL not in hidden(whole(MAIL), ("content-type", "image/png"))[0].body.head
    assert MAIL not in hidden(whole(picture))[0].body.head


def test_a_stream_that_calls_itself_bytes_is_one() -> None:
    body = whole(b'data: {"a": "\xff ' + MAIL + b'"}\n\n')
    assert MAIL not in hidden(body, ("content-type", "application/octet-stream"))[0].body.head


def test_parts_of_a_form_with_files() -> None:
    part = b'--b\r\nContent-Disposition: form-data; name="to"\r\n\r\n' + MAIL + b"\r\n--b--\r\n"
    assert MAIL not in hidden(whole(part), ("content-type", "multipart/form-data; boundary=b"))[0].body.head


def test_probabilities_of_a_document_that_held_something() -> None:
    tokens = [{"token": piece, "bytes": [1]} for piece in ("john@", "example.com")]
    choice = {"message": {"content": EMAILS[0]}, "logprobs": {"content": tokens}}
    document = json.dumps({"choices": [choice], "usage": {"total_tokens": 9}}).encode()
    kept, _ = hidden(whole(document), JSON, pieces=[document])
    clean = json.loads(kept.body.head)
    assert clean["choices"] == [{"message": {"content": "[email]"}, "logprobs": None}]
    assert clean["usage"] == {"total_tokens": 9}
    assert list(kept.lengths) == [len(kept.body.head)]
    other = document.replace(b"logprobs", b"completion_probabilities")
    assert b"example" not in hidden(whole(other), JSON, pieces=[other])[0].body.head
    cut, _ = hidden(whole(document[:-2]), JSON, pieces=[document[:-2]])
    assert cut.body.head == b""


def test_a_number_of_a_document_in_the_middle_of_nowhere() -> None:
    kept, _ = hidden(whole(b'{"a": ' + CARDS["visa"].encode() + b', "b'), JSON)
    assert kept.body.head == b'{"a": "[card]", "b'


def test_of_a_body_that_unpacks_to_much_both_ends_are_kept() -> None:
    plain = MAIL + b" " * (5 << 20) + MAIL
    packed = gzip.compress(plain, 1)
    kept, search = hidden(whole(packed), JSON, ("content-encoding", "gzip"), pieces=[packed])
    assert kept.body.head.startswith(b"[email] ")
    assert kept.body.tail.endswith(b" [email]")
    assert len(kept.body.head) + len(kept.body.tail) == sum(kept.lengths) < 5 << 20
    assert kept.body.truncated
    assert search.found == {"email": 2}
