"""What providers say in dialects of their own, by path: small answers that their official SDKs can read, with usage in them.

Anthropic's messages, Gemini's generateContent, Cohere's and Ollama's chat, Bedrock's converse and invoke, and OpenAI's chat as
Mistral, Groq, Together, Cerebras and Azure serve it. A model called `no-such-model` is answered 404 in the dialect's own
words, a system text `slowly` makes a stream go on until the client leaves.
"""

import base64
import binascii
import itertools
import re
import struct
from collections.abc import Callable, Iterator
from typing import Any

import orjson

from tests.provider import openai
from tests.provider.realtime import WebSocketEcho
from tests.provider.replies import HeaderList, Reply, reply, sse, sse_event
from tests.provider.request import Request

JSON = ("Content-Type", "application/json")
TEXT = ("It", " rains", " in", " Oslo", ".")
SAID = "".join(TEXT)
MISSING = "no-such-model"
# More events than any test reads.
ENDLESS = 5000


def answer(request: Request) -> Reply | WebSocketEcho:
    """The answer to a request in whatever dialect its path speaks."""
    if (request.header("upgrade") or "").lower() == "websocket":
        return WebSocketEcho()
    for pattern, made in _BY_PATH:
        if pattern.search(request.path):
            return made(request)
    return openai.answer(request)


def _said(value: Any, status: int = 200, headers: HeaderList = ()) -> Reply:
    return reply(status, [JSON, *headers], orjson.dumps(value))


def _words(slowly: bool) -> Iterator[str]:
    return itertools.islice(itertools.cycle(TEXT), ENDLESS) if slowly else iter(TEXT)


def _streamed(events: Iterator[bytes], slowly: bool, kind: str = "text/event-stream") -> Reply:
    if slowly:
        return reply(200, [("Content-Type", kind)], list(events), framing="chunked", every_s=0.02)
    return reply(200, [("Content-Type", kind)], list(events), framing="chunked")


def _messages(request: Request) -> Reply:
    asked = request.json()
    if asked["model"] == MISSING:
        error = {"type": "not_found_error", "message": f"model: {MISSING}"}
        return _said({"type": "error", "error": error, "request_id": "req_1"}, 404, [("request-id", "req_1")])
    usage = {
        "input_tokens": 12,
        "cache_creation_input_tokens": 3,
        "cache_read_input_tokens": 20,
        "cache_creation": {"ephemeral_5m_input_tokens": 3, "ephemeral_1h_input_tokens": 0},
        "output_tokens": 7,
        "service_tier": "standard",
    }
    tool = {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Oslo"}}
    wants_tool = bool(asked.get("tools"))
    content = [tool] if wants_tool else [{"type": "text", "text": SAID}]
    whole = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": asked["model"],
        "content": content,
        "stop_reason": "tool_use" if wants_tool else "end_turn",
        "stop_sequence": None,
        "usage": usage,
    }
    if not asked.get("stream"):
        return _said(whole, headers=[("request-id", "req_1"), ("anthropic-ratelimit-requests-remaining", "49")])
    slowly = asked.get("system") == "slowly"
    return _streamed(_message_events(whole, wants_tool, slowly), slowly)


def _message_events(whole: dict[str, Any], tool: bool, slowly: bool) -> Iterator[bytes]:
    usage = whole["usage"]
    started = {**whole, "content": [], "stop_reason": None, "usage": {**usage, "output_tokens": 1}}
    yield sse_event({"type": "message_start", "message": started}, "message_start")
    yield sse_event({"type": "ping"}, "ping")
    if tool:
        block = {**whole["content"][0], "input": {}}
        deltas = [{"type": "input_json_delta", "partial_json": part} for part in ("", '{"city":', ' "Oslo"}')]
    else:
        block = {"type": "text", "text": ""}
        deltas = [{"type": "text_delta", "text": word} for word in _words(slowly)]
    yield sse_event({"type": "content_block_start", "index": 0, "content_block": block}, "content_block_start")
    for delta in deltas:
        yield sse_event({"type": "content_block_delta", "index": 0, "delta": delta}, "content_block_delta")
    yield sse_event({"type": "content_block_stop", "index": 0}, "content_block_stop")
    delta = {"stop_reason": whole["stop_reason"], "stop_sequence": None}
    yield sse_event({"type": "message_delta", "delta": delta, "usage": {"output_tokens": 7}}, "message_delta")
    yield sse_event({"type": "message_stop"}, "message_stop")


def _count_tokens(_: Request) -> Reply:
    return _said({"input_tokens": 12})


def _batch(request: Request) -> Reply:
    batch = {
        "id": "msgbatch_1",
        "type": "message_batch",
        "processing_status": "in_progress",
        "request_counts": {"processing": 1, "succeeded": 0, "errored": 0, "canceled": 0, "expired": 0},
        "ended_at": None,
        "created_at": "2026-11-22T00:00:00Z",
        "expires_at": "2026-11-23T00:00:00Z",
        "cancel_initiated_at": None,
        "archived_at": None,
        "results_url": None,
    }
    if request.path.endswith("/batches") and request.method == "GET":
        return _said({"data": [batch], "has_more": False, "first_id": "msgbatch_1", "last_id": "msgbatch_1"})
    return _said(batch)


def _models(request: Request) -> Reply:
    if request.header("x-goog-api-client") or request.path.startswith("/v1beta"):
        return _said({"models": [{"name": "models/gemini-3-flash", "displayName": "Gemini 3 Flash", "inputTokenLimit": 1000}]})
    model = {"type": "model", "id": "claude-x", "display_name": "Claude X", "created_at": "2026-01-01T00:00:00Z"}
    return _said({"data": [model], "has_more": False, "first_id": "claude-x", "last_id": "claude-x"})


def _gemini_part(text: str | None, call: bool, finish: bool, output: int) -> dict[str, Any]:
    part: dict[str, Any] = {"functionCall": {"name": "weather", "args": {"city": "Oslo"}}} if call else {"text": text}
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": [part]}, "index": 0}
    if finish:
        candidate["finishReason"] = "STOP"
    usage = {
        "promptTokenCount": 10,
        "cachedContentTokenCount": 4,
        "candidatesTokenCount": output,
        "thoughtsTokenCount": 5,
        "totalTokenCount": 15 + output,
    }
    return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "gemini-3-flash-001", "responseId": "resp-1"}


def _generate(request: Request) -> Reply:
    if MISSING in request.path:
        error = {"code": 404, "message": f"models/{MISSING} is not found", "status": "NOT_FOUND"}
        return _said({"error": error}, 404)
    asked = request.json()
    call = bool(asked.get("tools"))
    if ":generateContent" in request.path:
        return _said(_gemini_part(SAID, call, finish=True, output=7))
    if ":countTokens" in request.path:
        return _said({"totalTokens": 10})
    if ":embedContent" in request.path or ":batchEmbedContents" in request.path:
        return _said(
            {"embeddings": [{"values": [0.25, 0.5]}]} if "batch" in request.path else {"embedding": {"values": [0.25]}}
        )
    system = asked.get("systemInstruction") or {}
    slowly = any(part.get("text") == "slowly" for part in system.get("parts", []))
    words = list(_words(slowly))
    parts = [_gemini_part(word, call, at == len(words), at) for at, word in enumerate(words, 1)]
    if "alt=sse" in request.target:
        return _streamed((sse_event(part) for part in parts), slowly)
    pieces = [b"[" + orjson.dumps(parts[0]), *(b",\r\n" + orjson.dumps(part) for part in parts[1:]), b"]"]
    return _streamed(iter(pieces), slowly, "application/json; charset=UTF-8")


def _cohere(request: Request) -> Reply:
    asked = request.json()
    if asked["model"] == MISSING:
        return _said({"id": "e1", "message": f"model '{MISSING}' not found"}, 404)
    usage = {"billed_units": {"input_tokens": 5, "output_tokens": 4}, "tokens": {"input_tokens": 71, "output_tokens": 6}}
    if not asked.get("stream"):
        message = {"role": "assistant", "content": [{"type": "text", "text": SAID}]}
        return _said({"id": "c1", "message": message, "finish_reason": "COMPLETE", "usage": usage})
    return sse(list(_cohere_events(usage)))


def _cohere_events(usage: dict[str, Any]) -> Iterator[bytes]:
    start = {"message": {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}}
    yield sse_event({"id": "c1", "type": "message-start", "delta": start}, "message-start")
    block = {"message": {"content": {"type": "text", "text": ""}}}
    yield sse_event({"type": "content-start", "index": 0, "delta": block}, "content-start")
    for word in TEXT:
        yield sse_event(
            {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": word}}}}, "content-delta"
        )
    yield sse_event({"type": "content-end", "index": 0}, "content-end")
    yield sse_event({"type": "message-end", "delta": {"finish_reason": "COMPLETE", "usage": usage}}, "message-end")


def _ollama(request: Request) -> Reply:
    asked = request.json()
    if asked["model"] == MISSING:
        return _said({"error": f"model '{MISSING}' not found"}, 404)
    common = {"model": asked["model"], "created_at": "2026-11-22T00:00:00.000000Z"}
    counts = {"total_duration": 9, "load_duration": 1, "prompt_eval_count": 11, "prompt_eval_duration": 2, "eval_count": 5}
    end = {"done": True, "done_reason": "stop", **counts, "eval_duration": 6}
    if not asked.get("stream", True):
        return _said({**common, "message": {"role": "assistant", "content": SAID}, **end})
    lines = [{**common, "message": {"role": "assistant", "content": word}, "done": False} for word in TEXT]
    lines.append({**common, "message": {"role": "assistant", "content": ""}, **end})
    return _streamed((orjson.dumps(line) + b"\n" for line in lines), False, "application/x-ndjson")


AMAZONS = [("x-amzn-RequestId", "3f0e"), ("X-Amzn-Bedrock-Input-Token-Count", "14")]
_CONVERSE_USAGE = {"inputTokens": 14, "outputTokens": 6, "totalTokens": 20}


def _bedrock(request: Request) -> Reply:
    if MISSING in request.path:
        headers = [("x-amzn-ErrorType", "ResourceNotFoundException"), *AMAZONS]
        return _said({"message": "Could not resolve the foundation model"}, 404, headers)
    if request.path.endswith("/converse"):
        message = {"role": "assistant", "content": [{"text": SAID}]}
        whole = {
            "output": {"message": message},
            "stopReason": "end_turn",
            "usage": _CONVERSE_USAGE,
            "metrics": {"latencyMs": 9},
        }
        return _said(whole, headers=AMAZONS)
    if request.path.endswith("/invoke"):
        usage = {"input_tokens": 14, "output_tokens": 6}
        content = [{"type": "text", "text": SAID}]
        whole = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude", "content": content, "usage": usage}
        return _said({**whole, "stop_reason": "end_turn", "stop_sequence": None}, headers=AMAZONS)
    made = _converse_events() if request.path.endswith("/converse-stream") else _invoke_events()
    kind = ("Content-Type", "application/vnd.amazon.eventstream")
    return reply(200, [kind, *AMAZONS], list(made), framing="chunked")


def _converse_events() -> Iterator[bytes]:
    yield amazon_event("messageStart", {"role": "assistant"})
    for word in TEXT:
        yield amazon_event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": word}})
    yield amazon_event("contentBlockStop", {"contentBlockIndex": 0})
    yield amazon_event("messageStop", {"stopReason": "end_turn"})
    yield amazon_event("metadata", {"usage": _CONVERSE_USAGE, "metrics": {"latencyMs": 9}})


def _invoke_events() -> Iterator[bytes]:
    usage = {"input_tokens": 14, "output_tokens": 1}
    started = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude", "content": [], "usage": usage}
    deltas = [{"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": word}} for word in TEXT]
    ended = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 6}}
    metrics = {"inputTokenCount": 14, "outputTokenCount": 6, "invocationLatency": 9, "firstByteLatency": 2}
    last = {"type": "message_stop", "amazon-bedrock-invocationMetrics": metrics}
    for inner in ({"type": "message_start", "message": started}, *deltas, ended, last):
        yield amazon_event("chunk", {"bytes": base64.b64encode(orjson.dumps(inner)).decode()})


def amazon_event(name: str, payload: Any) -> bytes:
    """One message of `application/vnd.amazon.eventstream`."""
    named = {":event-type": name, ":content-type": "application/json", ":message-type": "event"}
    headers = b"".join(
        struct.pack(">B", len(key)) + key.encode() + struct.pack(">BH", 7, len(text)) + text.encode()
        for key, text in named.items()
    )
    body = orjson.dumps(payload)
    prelude = struct.pack(">II", 16 + len(headers) + len(body), len(headers))
    message = prelude + struct.pack(">I", binascii.crc32(prelude)) + headers + body
    return message + struct.pack(">I", binascii.crc32(message))


def _chat(request: Request) -> Reply:
    """OpenAI's chat as others serve it: usage on a stream's last chunk, unasked."""
    asked = request.json()
    if asked.get("model") == MISSING:
        error = {"message": f"The model `{MISSING}` does not exist", "type": "invalid_request_error", "code": "model_not_found"}
        return _said({"error": error}, 404)
    usage = {"prompt_tokens": 9, "completion_tokens": 5, "total_tokens": 14}
    common: dict[str, Any] = {
        "id": "chat-1",
        "created": openai.CREATED,
        "model": asked.get("model"),
        "system_fingerprint": "fp",
    }
    if not asked.get("stream"):
        choice = {"index": 0, "message": {"role": "assistant", "content": SAID}, "finish_reason": "stop"}
        return _said({**common, "object": "chat.completion", "choices": [choice], "usage": usage})
    chunk = {**common, "object": "chat.completion.chunk"}
    events = [{**chunk, "choices": [_choice(word, None)]} for word in TEXT]
    last = _choice("", "stop")
    grid = {"x_groq": {"id": "req_1", "usage": usage}} if "/openai/v1/" in request.path else {}
    return sse([*map(sse_event, events), sse_event({**chunk, "choices": [last], "usage": usage, **grid}), sse_event("[DONE]")])


def _choice(word: str, finish: str | None) -> dict[str, Any]:
    return {"index": 0, "delta": {"role": "assistant", "content": word}, "logprobs": None, "finish_reason": finish}


_BY_PATH: list[tuple[re.Pattern[str], Callable[[Request], Reply]]] = [
    (re.compile(r"/v1/messages/batches"), _batch),
    (re.compile(r"/v1/messages/count_tokens$"), _count_tokens),
    (re.compile(r"/v1/messages$"), _messages),
    (re.compile(r"^/v1(beta)?/models$"), _models),
    (re.compile(r"/models/[^/]+:[a-zA-Z]+$"), _generate),
    (re.compile(r"^/v2/chat$"), _cohere),
    (re.compile(r"^/api/chat$"), _ollama),
    (re.compile(r"^/model/[^/]+/(converse|invoke)"), _bedrock),
    (re.compile(r"/chat/completions$|^/v1/chat$"), _chat),
]
