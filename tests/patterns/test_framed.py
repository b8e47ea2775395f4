"""Lines, elements and Amazon's messages: what stands in them, between them and around them is searched."""

import base64
import json

import pytest

from tests.patterns.planted import EMAILS
from tests.patterns.test_events import kept
from tracer import eventstream
from tracer.eventstream import MEDIA_TYPE, Message, document

MAIL = EMAILS[0].encode()
HEADERS = {":message-type": "event", ":event-type": "contentBlockDelta"}


def messages(data: bytes) -> list[Message]:
    return [found for found in eventstream.Decoder().feed(data) if isinstance(found, Message)]


def delta(piece: str) -> bytes:
    return eventstream.encode(HEADERS, json.dumps({"contentBlockIndex": 0, "delta": {"text": piece}}).encode())


def wrapped(said: bytes) -> bytes:
    return eventstream.encode(HEADERS, json.dumps({"bytes": base64.b64encode(said).decode(), "p": EMAILS[0]}).encode())


@pytest.mark.parametrize(
    "message",
    [
        eventstream.encode({**HEADERS, "x": EMAILS[0], EMAILS[0]: "x"}, b'{"a": 1}'),
        eventstream.encode({":message-type": "error", ":error-message": f"of {EMAILS[0]}"}, b""),
        eventstream.encode({":message-type": "exception", ":exception-type": "x"}, b"no " + MAIL),
        eventstream.encode(HEADERS, b'{"a": "' + MAIL + b'", "a": 1}'),
        eventstream.encode(HEADERS, b'{"bytes": "%s"}' % MAIL),
        wrapped(b'{"a": 1}'),
    ],
)
def test_every_byte_of_a_message_is_searched(message: bytes) -> None:
    clean = kept(delta("a") + b"\0 " + MAIL + b" \0" + message + delta("b") + b" " + MAIL, MEDIA_TYPE)
    assert MAIL not in clean
    first, between, last = messages(clean)
    assert (first.payload, last.payload) == (messages(delta("a"))[0].payload, messages(delta("b"))[0].payload)
    assert between.headers.keys() - {":error-message"} <= {*messages(message)[0].headers, "[email]"}


@pytest.mark.parametrize("said", [b'{"a": "%s"}', b'{"a": "%s", "a": 1}', b"no json %s"])
def test_what_a_message_only_carries(said: bytes) -> None:
    (message,) = messages(kept(wrapped(said.replace(b"%s", MAIL)), MEDIA_TYPE))
    payload = json.loads(message.payload)
    assert MAIL not in base64.b64decode(payload["bytes"])
    assert (document(message) is None) == (said[:1] != b"{")


def test_headers_that_do_not_fit_once_they_are_read() -> None:
    broken = b"\xff" * 200
    header = bytes((len(broken),)) + broken + b"\x07\x00\x01a"
    whole = eventstream.encode({}, header + b'{"a": "' + MAIL + b'"}')
    start = whole[:4] + len(header).to_bytes(4, "big")
    whole = start + eventstream.crc32(start).to_bytes(4, "big") + whole[12:-4]
    whole += eventstream.crc32(whole).to_bytes(4, "big")
    (message,) = messages(kept(whole, MEDIA_TYPE))
    assert (message.headers, message.payload) == ({}, b'{"a":"[email]"}')


def test_a_line_is_found_where_it_stands() -> None:
    line = b'{"message":{"content":"%s"}}\n'
    body = b"x" + line % b"john@" + line % b"john@" + line % b"example.com"
    assert kept(body, "application/x-ndjson") == b"x" + line % b"john@" + line % b"[" + line % b"email]"


def test_text_between_elements() -> None:
    first, second = b'{"candidates":[{"a":"%s"}]}' % MAIL, b'{"candidates":[]}'
    body = b"[" + first + b", " + MAIL + b" ," + second + b"] " + MAIL
    assert kept(body, "application/json") == body.replace(MAIL, b"[email]")
