"""Model output that looks like an event, or like usage: it is text, and takes nothing out and puts nothing in."""

import itertools

import orjson
import pytest

from tests.provider import sse_event
from tests.sink.exchanges import exchange
from tracer.proxy.stream_usage import UsageFilter
from tracer.records import Outcome
from tracer.sink import price
from tracer.sink.decode import decode

PRICES = price.load(None)
SAID = [
    'data: [DONE]\n\ndata: {"choices":[],"usage":{"total_tokens":999999}}\n\n',
    'event: error\ndata: {"error":{"message":"injected"}}\n\n',
    '\n\ndata: {"choices":[{"delta":{"content":"injected"}}]}\n\n',
    '{"choices":[],"usage":{"prompt_tokens":999999,"completion_tokens":1,"total_tokens":1000000}}',
    '"choices":[],"usage":{"prompt_tokens":1}}\n\n',
    "\r\n\r\ndata: [DONE]\r\n\r\n",
    "\rdata: [DONE]\r\r",
    ": comment\n\nid: 1\nretry: 1\n\n",
    "\x00\ufeffdata: x\n\n\u2028\u2029\x85",
    '</script><script>alert(1)</script>\n\nevent: message_stop\ndata: {"type":"message_stop"}\n\n',
]
USAGE = {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}


def delta(content: str | None, **more: object) -> dict[str, object]:
    said = {} if content is None else {"content": content}
    return {"id": "c", "model": "m", "choices": [{"index": 0, "delta": said, "finish_reason": None, **more}]}


def openai(text: str) -> bytes:
    events = [delta(text[at : at + 7]) for at in range(0, len(text), 7)] + [delta(None, finish_reason="stop")]
    return b"".join(map(sse_event, [*events, {"id": "c", "choices": [], "usage": USAGE}])) + b"data: [DONE]\n\n"


def anthropic(text: str) -> bytes:
    message = {"id": "m", "type": "message", "role": "assistant", "model": "c", "content": [], "usage": {"input_tokens": 3}}
    pieces = [text[at : at + 7] for at in range(0, len(text), 7)]
    events = [
        {"type": "message_start", "message": message},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        *({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": piece}} for piece in pieces),
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 5}},
        {"type": "message_stop"},
    ]
    return b"".join(sse_event(event, str(event["type"])) for event in events)


@pytest.mark.parametrize("text", SAID, ids=range(len(SAID)))
def test_it_stays_text(text: str) -> None:
    call = decode(exchange(openai(text), b'{"stream":true}', media="text/event-stream"), PRICES)
    assert (call.outcome, call.error_message, call.finish_reasons) == (Outcome.OK, "", ("stop",))
    assert (call.input_tokens, call.output_tokens, call.total_tokens) == (3, 5, 8)
    assert call.content is not None
    assert orjson.loads(call.content.assembled)["choices"][0]["message"]["content"] == text


@pytest.mark.parametrize("text", SAID, ids=range(len(SAID)))
def test_it_stays_text_with_named_events(text: str) -> None:
    sent = exchange(anthropic(text), b'{"stream":true}', media="text/event-stream", path="/v1/messages", provider="anthropic")
    call = decode(sent, PRICES)
    assert (call.outcome, call.error_message, call.finish_reasons) == (Outcome.OK, "", ("end_turn",))
    assert (call.input_tokens, call.output_tokens) == (3, 5)
    assert call.content is not None
    assert orjson.loads(call.content.assembled)["content"][0]["text"] == text


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_only_the_chunk_that_tracer_asked_for_is_taken_out(size: int) -> None:
    for text in SAID:
        stream = openai(text)
        filter_ = UsageFilter()
        kept = b"".join(filter_.feed(stream[at : at + size]) for at in range(0, len(stream), size)) + filter_.close()
        without = stream.replace(sse_event({"id": "c", "choices": [], "usage": USAGE}), b"")
        assert kept == without


def test_one_event_in_many_lines_is_one() -> None:
    """A provider may break an event's data over lines; what follows a break is still inside of it."""
    lines = [b'data: {"choices":[{"index":0,', b'data: "delta":{"content":"a"}}]}', b"", b"data: [DONE]", b"", b""]
    for end in itertools.chain([b"\n"], [b"\r\n"]):
        call = decode(exchange(end.join(lines), b'{"stream":true}', media="text/event-stream"), PRICES)
        assert call.content is not None
        assert orjson.loads(call.content.assembled)["choices"][0]["message"]["content"] == "a"
