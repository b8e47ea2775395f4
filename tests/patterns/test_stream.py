"""Streams: what they spell over many events is found, however they are cut; what holds nothing keeps its bytes."""

import base64
import json
from array import array
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cuts import cuts
from tests.patterns.planted import CARDS, EMAILS, KEYS, PEM, PHONES
from tracer import eventstream
from tracer.framing import Framing
from tracer.patterns.bodies import hidden_body
from tracer.patterns.kinds import built_in
from tracer.patterns.search import Search
from tracer.records import Body

SECRETS = (*KEYS.values(), PEM, *CARDS.values(), *EMAILS, *PHONES)


def sse(documents: list[Any]) -> bytes:
    return b"".join(b"data: " + json.dumps(each).encode() + b"\n\n" for each in documents) + b"data: [DONE]\n\n"


def named(documents: list[Any]) -> bytes:
    return b"".join(f"event: {each.get('type', 'x')}\r\ndata: {json.dumps(each)}\r\n\r\n".encode() for each in documents)


def several_lines(documents: list[Any]) -> bytes:
    return b"".join(
        b": ping\n" + b"".join(b"data: " + line + b"\n" for line in json.dumps(each, indent=1).encode().split(b"\n")) + b"\n"
        for each in documents
    )


def lines(documents: list[Any]) -> bytes:
    return b"".join(json.dumps(each).encode() + b"\n" for each in documents)


def elements(documents: list[Any]) -> bytes:
    return b"[" + b",\n".join(json.dumps({"candidates": [each]}).encode() for each in documents) + b"]"


def messages(documents: list[Any]) -> bytes:
    headers = {":message-type": "event", ":event-type": "chunk", ":content-type": "application/json"}
    return b"".join(
        eventstream.encode(headers, json.dumps({"bytes": base64.b64encode(json.dumps(each).encode()).decode()}).encode())
        for each in documents
    )


WRITERS: dict[str, tuple[Callable[[list[Any]], bytes], str]] = {
    "sse": (sse, Framing.SSE.value),
    "named": (named, Framing.SSE.value),
    "several lines": (several_lines, Framing.SSE.value),
    "lines": (lines, Framing.LINES.value),
    "elements": (elements, "application/json"),
    "messages": (messages, Framing.AWS.value),
}


def documents_of(body: bytes, writer: str) -> list[Any]:
    if writer == "messages":
        found = eventstream.Decoder().feed(body)
        return [eventstream.document(each) for each in found if isinstance(each, eventstream.Message)]
    if writer == "elements":
        return [each["candidates"][0] for each in json.loads(body)]
    if writer == "lines":
        return [json.loads(line) for line in body.splitlines()]
    events = body.decode().replace("\r\n", "\n").split("\n\n")
    texts = ["\n".join(line[6:] for line in event.split("\n") if line.startswith("data: ")) for event in events]
    return [json.loads(text) for text in texts if text and text != "[DONE]"]


def chat(piece: str, index: int = 0) -> dict[str, Any]:
    return {"id": "chatcmpl-1", "created": 1700000000, "choices": [{"index": index, "delta": {"content": piece}}]}


def tool(piece: str, index: int = 0) -> dict[str, Any]:
    call = {"index": index, "function": {"arguments": piece}}
    return {"id": "chatcmpl-1", "choices": [{"index": 0, "delta": {"tool_calls": [call]}}]}


def claude(piece: str, index: int = 0) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": {"type": "text_delta", "text": piece}}


def response(piece: str, index: int = 0) -> dict[str, Any]:
    return {"type": "response.output_text.delta", "output_index": index, "item_id": "msg_1", "delta": piece}


def gemini(piece: str, index: int = 0) -> dict[str, Any]:
    return {"index": index, "content": {"role": "model", "parts": [{"text": piece}]}}


def ollama(piece: str, index: int = 0) -> dict[str, Any]:
    return {"model": "m", "message": {"role": "assistant", "content": piece}, "done": False, "choice_index": index}


def spoken(document: Any) -> str:
    """What an event of any of these says."""
    match document:
        case {"choices": [{"delta": {"content": piece}}]} | {
            "choices": [{"delta": {"tool_calls": [{"function": {"arguments": piece}}]}}]
        }:
            return str(piece)
        case {"delta": {"text": piece}} | {"content": {"parts": [{"text": piece}]}} | {"message": {"content": piece}}:
            return str(piece)
        case {"delta": str(piece)}:
            return piece
    raise AssertionError(document)


SAYS = [chat, tool, claude, response, gemini, ollama]


def redacted(body: bytes, media: str, pieces: list[bytes] | None = None) -> tuple[bytes, "array[int]", Search]:
    search = Search(built_in(["all"]))
    lengths = array("I", map(len, pieces or [body]))
    kept = hidden_body(search, Body(body, b"", len(body)), lengths, (("content-type", media),))
    return kept.body.head, kept.lengths, search


@st.composite
def spelled(draw: st.DrawFn) -> tuple[str, list[str]]:
    """A text that holds a secret, and the pieces that a model might say it in."""
    secret = draw(st.sampled_from(SECRETS))
    text = draw(st.sampled_from(["", "It is ", "ü\n"])) + secret + draw(st.sampled_from(["", ".", " and so on", "\n\nü"]))
    at = sorted(draw(st.lists(st.integers(0, len(text)), max_size=8)))
    return secret, [text[a:b] for a, b in zip([0, *at], [*at, len(text)], strict=True)]


@pytest.mark.parametrize("writer", WRITERS)
@settings(max_examples=40)
@given(case=spelled(), says=st.sampled_from(SAYS), data=st.data())
def test_any_cut_gives_the_same_text(writer: str, case: tuple[str, list[str]], says: Any, data: st.DataObject) -> None:
    secret, spoken_pieces = case
    write, media = WRITERS[writer]
    body = write([says(piece) for piece in spoken_pieces])
    pieces = data.draw(cuts(body))
    clean, lengths, search = redacted(body, media, pieces)
    assert sum(lengths) == len(clean)
    assert len(lengths) == len(pieces)
    assert clean == redacted(body, media)[0]
    said = documents_of(clean, writer)
    assert len(said) == len(spoken_pieces)
    assert "".join(map(spoken, said)) == Search(built_in(["all"])).hidden("".join(spoken_pieces))
    assert secret not in "".join(map(spoken, said))
    assert search.found


def test_answers_that_are_told_in_turns() -> None:
    body = sse([chat("john@", 0), chat("4111 1111 ", 1), chat("example.com", 0), chat("1111 1111", 1)])
    clean, _, search = redacted(body, "text/event-stream")
    said = documents_of(clean, "sse")
    assert [spoken(each) for each in said] == ["[", "[", "email]", "card]"]
    assert search.found == {"email": 1, "card": 1}


def test_an_index_may_count_anything() -> None:
    pieces = ["mail ", "jo", "hn@exam", "ple.com", " now"]
    tokens = [{"index": at, "token": {"id": at, "text": piece}} for at, piece in enumerate(pieces)]
    assert [each["token"]["text"] for each in documents_of(redacted(sse(tokens), "text/event-stream")[0], "sse")] == [
        *("mail ", "[", "e", "mail]", " now"),
    ]
    first_only = [chat("john@"), {"choices": [{"delta": {"content": "example.com"}}]}]
    assert b"john" not in redacted(sse(first_only), "text/event-stream")[0]
    numbered = [
        chat(piece, choice) | {"index": at} for at, (piece, choice) in enumerate([("jo", 0), ("x ", 1), ("hn@a.de", 0)])
    ]
    assert b"hn@" not in redacted(sse(numbered), "text/event-stream")[0]


def test_parts_of_one_event_go_on_in_their_order() -> None:
    parts = [{"candidates": [{"content": {"parts": [{"text": "jo"}, {"text": "hn@"}, {"text": "example.com"}]}}]}]
    clean, _, _ = redacted(sse(parts), "text/event-stream")
    (said,) = documents_of(clean, "sse")
    assert [part["text"] for part in said["candidates"][0]["content"]["parts"]] == ["[", "e", "mail]"]


def test_what_another_text_interrupts() -> None:
    body = sse([chat("john@") | {"note": {"content": "x"}}, chat("example.com") | {"note": {"content": "y"}}])
    assert b"john" not in redacted(body, "text/event-stream")[0]


def test_tool_calls_are_json_in_pieces() -> None:
    arguments = json.dumps({"to": "zoë\n" + EMAILS[0], "card": 4111111111111111})
    body = sse([tool(arguments[at : at + 3]) for at in range(0, len(arguments), 3)])
    clean, _, _ = redacted(body, "text/event-stream")
    assert json.loads("".join(map(spoken, documents_of(clean, "sse")))) == {"to": "zoë\n[email]", "card": "[card]"}


def test_every_piece_that_carried_text_goes_on_to() -> None:
    pieces = ["jo", "hn", "@exa", "mple", ".com", " there"]
    clean, _, _ = redacted(sse([chat(piece) for piece in pieces]), "text/event-stream")
    said = [spoken(each) for each in documents_of(clean, "sse")]
    assert said == ["[", "e", "m", "a", "il]", " there"]


def test_what_holds_nothing_keeps_its_bytes() -> None:
    odd = b'data:{ "n": 1.10, "big": 123456789012345678901234567890 }\n\nretry: 5\n: comment\n\n'
    body = odd + sse([chat("to john@example.com")]) + odd
    clean, _, _ = redacted(body, "text/event-stream")
    assert clean.startswith(odd)
    assert clean.endswith(odd)
    untouched = odd + sse([chat("hello")])
    assert redacted(untouched, "text/event-stream")[0] == untouched


def test_numbers_and_ids_that_repeat_do_not_add_up() -> None:
    body = sse([{"id": "4111", "created": 4111, "choices": [{"index": 0, "delta": {"role": "assistant", "content": "x"}}]}] * 8)
    assert redacted(body, "text/event-stream")[0] == body


def test_the_rest_of_an_event_is_searched_too() -> None:
    body = (
        b": from john@example.com\nid: john@example.com\n"
        + sse([{"error": {"message": "no john@example.com", "john@example.com": 4111111111111111}}])
        + b'data: john@example.com says\n\ndata: {broken john@example.com\n\ndata: {"content": "john@example.com'
    )
    clean, _, search = redacted(body, "text/event-stream")
    assert b"john" not in clean
    assert b"4111" not in clean
    assert search.found["email"] >= 6


def test_halves_of_characters() -> None:
    body = b'data: {"content": "\\ud83d"}\n\ndata: {"content": "\\ude00 john@"}\n\ndata: {"content": "example.com"}\n\n'
    clean, _, _ = redacted(body, "text/event-stream")
    assert b"john" not in clean
    assert b"\\ud83d" in clean


def test_probabilities_spell_the_text_once_more() -> None:
    tokens = [{"token": piece, "bytes": list(piece.encode()), "logprob": -1} for piece in ("john@", "example.com")]
    events = [
        {"choices": [{"index": 0, "delta": {"content": each["token"]}, "logprobs": {"content": [each]}}]} for each in tokens
    ]
    clean, _, _ = redacted(sse(events), "text/event-stream")
    assert b"john@" not in clean
    assert b"106, 111, 104" not in clean


def test_many_events_take_linear_work(monkeypatch: pytest.MonkeyPatch) -> None:
    def searched(count: int) -> int:
        seen = 0
        whole = Search.all

        def counting(self: Search, text: str, *, percents: bool = False) -> Any:
            nonlocal seen
            seen += len(text)
            return whole(self, text, percents=percents)

        monkeypatch.setattr(Search, "all", counting)
        redacted(sse([chat("4111 ")] * count), "text/event-stream")
        monkeypatch.setattr(Search, "all", whole)
        return seen

    assert searched(800) <= 2.2 * searched(400)
