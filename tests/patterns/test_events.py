"""Events with everything that may stand in them: all of it is searched, and what the sink reads as a document is one here."""

import json
from array import array

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.patterns.planted import EMAILS, PEM
from tracer.patterns.bodies import hidden_body
from tracer.patterns.events import events
from tracer.patterns.kinds import built_in
from tracer.patterns.search import Search
from tracer.records import Body
from tracer.sink.body import Plain
from tracer.sink.stream import read_stream

MAIL = EMAILS[0].encode()
EVENT = "text/event-stream"


def kept(data: bytes, media: str = EVENT) -> bytes:
    search = Search(built_in(["all"]))
    found = hidden_body(search, Body(data, b"", len(data)), array("I", [len(data)]), (("content-type", media),))
    assert list(found.lengths) == [len(found.body.head)]
    return found.body.head


# The smallest inputs that a fuzzer found something with, and others of their kinds.
@pytest.mark.parametrize(
    "data",
    [
        b'data: %s\n{"":{"":""},"":true}\n\n',
        b'{"a": "%s"}\ndatax: 1\n\n',
        b'data::\\"%s\\"\n\n',
        b"\xef\xbb\xbf: %s\n\n",
        b'\xef\xbb\xbfdata: {"a": "%s"}\n\n',
        b'id: %s\rdata: {"a": 1}\r\revent: %s\n\n',
        b'retry: %s\ndata: {"a": 1}\n\n',
        b'data: {"a": 1}\ndata: %s\ndata\ndata:{"b": "%s"}\n\n',
        b'data: {"a": "%s", "a": 1}\n\n',
        b'data: {"%s": 1, "a": {"%s": 1}}\n\n',
        b'data: {"a": "\xff %s \x00"}\n\ndata: \x00 {"%s"\n',
        b'data: {"a": 1}\n\n%s',
        b'%s\n\ndata: {"a": 1}',
        b'data:   {"a": "%s"}\n\n',
        b'data: ["%s"]\r\n\r\ndata: "%s"\r\n\r\n',
        b'data: {"a": "%s"}\nevent: %s',
    ],
)
def test_every_byte_is_searched(data: bytes) -> None:
    assert MAIL not in kept(data.replace(b"%s", b" " + MAIL + b" "))
    assert kept(data) == data


def content(piece: str) -> str:
    return json.dumps({"choices": [{"index": 0, "delta": {"content": piece}}]})


@pytest.mark.parametrize(
    "event",
    [
        "data: {}\n\n",
        "\ufeffdata: {}\n\n",
        "data:  {}\n\n",
        "{}\n\n",
        "{}\n",
        "data: {}\n",
        "data: x\n{}\n\n",
        "event: a\ndata: {}\ndata: x\nid: 1\n\n",
        "data:{}\r",
    ],
)
def test_what_lenient_readers_take_for_a_document_is_joined(event: str) -> None:
    first = event.removeprefix("\ufeff")
    body = (event.replace("{}", content("john@")) + first.replace("{}", content("example.com")) + "\n").encode()
    for media in (EVENT, *(["text/plain"] if event.startswith("data: {}") else [])):
        said = read_stream(Plain(kept(body, media))).documents
        texts = [document["choices"][0]["delta"]["content"] for document in said]
        assert texts in (["[", "email]"], [])
        assert len(said) == len(read_stream(Plain(body)).documents)


ENDINGS = ["\n", "\r\n", "\r", "\n\n"]
LINES = ["data: ", "data:", "data", "", "event: x", "id: 1", ": c", "retry: x", "retry: 1", "datax: 1", "x"]
DOCUMENTS = ['{"a": 1}', '{"b": [', "1]}", "[2]", " {}", '"c"', "x"]


@settings(max_examples=150)
@given(st.lists(st.tuples(st.sampled_from(LINES), st.sampled_from(DOCUMENTS), st.sampled_from(ENDINGS)), max_size=8))
@example([("data: ", '{"b": [', "\n"), ("", '{"a": 1}', "\n"), ("data: ", "1]}", "\n\n")])
def test_whatever_the_sink_reads_is_a_document(written: list[tuple[str, str, str]]) -> None:
    data = "".join(opening + text + ending for opening, text, ending in written).encode()
    parts = list(events(data))
    found = [document for part in parts for document in part.documents]
    said = read_stream(Plain(data)).documents
    assert [document for document in said if document not in found] == []
    for part, after in zip(parts, [*parts[1:], *([None] if parts else [])], strict=True):
        assert not data[part.end : after.start if after else None].strip(b"\r\n")
        if part.again:
            again = part.again(part.documents, part.beside)
            assert read_stream(Plain(data[: part.start] + again + data[part.end :])).documents == said


def test_what_stands_behind_a_key_goes_on_to_be_an_event() -> None:
    usage = b'data: {"usage": {"total_tokens": 5}}\n\n'
    for key in (PEM, PEM.partition("-----END")[0]):
        lines = b"".join(b"data: " + line + b"\n" for line in key.encode().split(b"\n"))
        for before in (lines + b"\n", lines + b'{"a": 1}\n\n', b": " + lines + b'data: {"a": 1}\n\n'):
            clean = kept(before + usage)
            assert b"MIIE" not in clean
            assert clean.endswith(b"\n\n" + usage)


def test_what_only_the_bytes_say() -> None:
    body = b'data: {"a": -4111111111111111, "phone": 4155552671, "cell": 41555526.71, "n": 12}\n\n'
    secret = b'data: {"aws_secret_access_key": "' + b"a1B2" * 10 + b'", "logprobs": [1]}\n\n'
    clean = kept(body + secret)
    first, second = [orjson.loads(event[6:]) for event in clean.split(b"\n\n")[:2]]
    assert first == {"a": "[card]", "phone": "[phone]", "cell": "[phone]", "n": 12}
    assert second == {"aws_secret_access_key": "[key]", "logprobs": None}


def test_documents_that_are_too_deep_to_be_written_are_text() -> None:
    body = b'data: {"a": ' + b"[" * 600 + b'"%s"' % MAIL + b"]" * 600 + b"}\n\n"
    assert kept(body) == body.replace(MAIL, b"[email]")
