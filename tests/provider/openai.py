"""What the scripted provider says when nothing is scripted: OpenAI's shapes, with numbers that a test can foresee.

Answers have WORDS as their content; prompt tokens are the whitespace-separated words of the messages, completion tokens the
words of the answer. A client in another process can script through headers:

    x-script-status: 503       answer with this error
    x-script-words: 40         length of the answer (default 7)
    x-script-gap-ms: 20        time between two events of a stream, or before a plain answer
    x-script-cut: fin|rst|stall   end the answer half-way
"""

import email.parser
import email.policy
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import orjson

from tests.provider.realtime import WebSocketEcho
from tests.provider.replies import Ending, Reply, error, reply, sse, sse_event
from tests.provider.request import Request

WORDS = ("The", " capital", " of", " France", " is", " Paris", ".")
FINGERPRINT = "fp_560af6e559"
CREATED = 1763640366
JSON = ("Content-Type", "application/json")
# Headers as OpenAI's edge sends them, odd case and duplicates included.
HEADERS = [
    ("x-request-id", "req_5c1b2a"),
    ("openai-organization", "user-x"),
    ("openai-processing-ms", "421"),
    ("openai-version", "2020-10-01"),
    ("Set-Cookie", "__cf_bm=a; path=/"),
    ("Set-Cookie", "_cfuvid=b; path=/"),
]


def answer(request: Request) -> Reply | WebSocketEcho:
    """The default for a request, as its `x-script-*` headers change it."""
    if (request.header("upgrade") or "").lower() == "websocket":
        return WebSocketEcho()
    if status := request.header("x-script-status"):
        return error(int(status), "scripted", "server_error")
    if request.method == "POST" and request.path in _BY_PATH:
        made = _by_path(request)
    elif request.method in ("GET", "HEAD") and request.path == "/v1/models":
        made = _json({"object": "list", "data": [{"id": "gpt-4o-mini", "object": "model", "owned_by": "system"}]})
    else:
        made = error(404, f"Invalid URL ({request.method} {request.path})")
    if ending := request.header("x-script-cut"):
        wire = sum(len(step) for step in made.body() if isinstance(step, bytes))
        made = made.cut(wire // 2, Ending(ending))
    return made


def echo(request: Request) -> Reply:
    """A reply that says what arrived: method, target, headers as a list, body as text (latin-1)."""
    return _json(
        {
            "method": request.method,
            "target": request.target,
            "headers": request.headers,
            "body": request.body.decode("latin-1"),
        }
    )


def _by_path(request: Request) -> Reply:
    if request.path == "/v1/files":
        return _files(request)
    try:
        asked = request.json()
    except orjson.JSONDecodeError as problem:
        return error(400, f"We could not parse the JSON body of your request: {problem}")
    if not isinstance(asked, dict):
        return error(400, "Invalid type for the body: expected an object")
    asked["_words"] = list(itertools.islice(itertools.cycle(WORDS), int(request.header("x-script-words") or len(WORDS))))
    asked["_gap_s"] = float(request.header("x-script-gap-ms") or 0) / 1000
    return _BY_PATH[request.path](asked)


def _json(value: Any) -> Reply:
    return reply(200, [JSON, *HEADERS], orjson.dumps(value, option=orjson.OPT_INDENT_2))


def _answered(asked: dict[str, Any], plain: Any, events: Iterator[bytes]) -> Reply:
    if asked.get("stream"):
        return sse(list(events), every_s=asked["_gap_s"], headers=HEADERS)
    made = _json(plain)
    return made.late(asked["_gap_s"]) if asked["_gap_s"] else made


def _prompt_words(asked: dict[str, Any]) -> int:
    texts = [str(message.get("content", "")) for message in asked.get("messages", [])]
    texts += [str(asked.get("prompt", "")), str(asked.get("input", ""))]
    return sum(len(text.split()) for text in texts)


def _usage(asked: dict[str, Any]) -> dict[str, Any]:
    prompt, completion = _prompt_words(asked), len(asked["_words"]) * (asked.get("n") or 1)
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": 0,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _chat(asked: dict[str, Any]) -> Reply:
    common = {
        "id": "chatcmpl-CdxiIrlxetLzjuBRfsl3k1X7s1F9u",
        "created": CREATED,
        "model": asked.get("model"),
        "service_tier": "default",
        "system_fingerprint": FINGERPRINT,
    }
    message: dict[str, Any] = {"role": "assistant", "content": "".join(asked["_words"]), "refusal": None, "annotations": []}
    choices = [
        {"index": index, "message": message, "logprobs": None, "finish_reason": "stop"} for index in range(asked.get("n") or 1)
    ]
    plain = {**common, "object": "chat.completion", "choices": choices, "usage": _usage(asked)}
    return _answered(asked, plain, _chat_events(asked, {**common, "object": "chat.completion.chunk"}))


def _chat_events(asked: dict[str, Any], common: dict[str, Any]) -> Iterator[bytes]:
    counted = bool((asked.get("stream_options") or {}).get("include_usage"))
    # With include_usage OpenAI puts `"usage": null` into every chunk but the last; without it there is no such key.
    common = {**common, "usage": None} if counted else common
    for index in range(asked.get("n") or 1):
        deltas = [{"role": "assistant", "content": "", "refusal": None}, *({"content": word} for word in asked["_words"])]
        for delta in deltas:
            yield _chat_event(common, index, delta, None)
        yield _chat_event(common, index, {}, "stop")
    if counted:
        yield sse_event({**common, "choices": [], "usage": _usage(asked)})
    yield sse_event("[DONE]")


def _chat_event(common: dict[str, Any], index: int, delta: dict[str, Any], finish: str | None) -> bytes:
    choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}
    return sse_event({**common, "choices": [choice]})


def _completion(asked: dict[str, Any]) -> Reply:
    common = {
        "id": "cmpl-Cdxi",
        "object": "text_completion",
        "created": CREATED,
        "model": asked.get("model"),
        "system_fingerprint": FINGERPRINT,
    }

    def choice(text: str, finish: str | None) -> list[dict[str, Any]]:
        return [{"text": text, "index": 0, "logprobs": None, "finish_reason": finish}]

    def events() -> Iterator[bytes]:
        for word in asked["_words"]:
            yield sse_event({**common, "choices": choice(word, None)})
        yield sse_event({**common, "choices": choice("", "stop")})
        if (asked.get("stream_options") or {}).get("include_usage"):
            yield sse_event({**common, "choices": [], "usage": _usage(asked)})
        yield sse_event("[DONE]")

    plain = {**common, "choices": choice("".join(asked["_words"]), "stop"), "usage": _usage(asked)}
    return _answered(asked, plain, events())


def _embeddings(asked: dict[str, Any]) -> Reply:
    count = len(asked["input"]) if isinstance(asked.get("input"), list) else 1
    # The SDK asks for base64 by default: 4 float32 of 0.25.
    vector: Any = "AACAPgAAgD4AAIA+AACAPg==" if asked.get("encoding_format") == "base64" else [0.25] * 4
    tokens = _prompt_words(asked)
    return _json(
        {
            "object": "list",
            "data": [{"object": "embedding", "index": index, "embedding": vector} for index in range(count)],
            "model": asked.get("model"),
            "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
        }
    )


def _responses(asked: dict[str, Any]) -> Reply:
    text, prompt, output = "".join(asked["_words"]), _prompt_words(asked), len(asked["_words"])
    part = {"type": "output_text", "annotations": [], "logprobs": [], "text": text}
    item = {"id": "msg_68a", "type": "message", "status": "completed", "content": [part], "role": "assistant"}
    started: dict[str, Any] = {
        "id": "resp_68a",
        "object": "response",
        "created_at": CREATED,
        "status": "in_progress",
        "error": None,
        "incomplete_details": None,
        "model": asked.get("model"),
        "output": [],
        "parallel_tool_calls": True,
        "service_tier": "default",
        "tool_choice": "auto",
        "tools": [],
        "usage": None,
    }
    usage = {
        "input_tokens": prompt,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": output,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": prompt + output,
    }
    finished = {**started, "status": "completed", "output": [item], "usage": usage}
    return _answered(asked, finished, _response_events(asked["_words"], started, finished, item, part))


def _response_events(words: list[str], started: Any, finished: Any, item: Any, part: Any) -> Iterator[bytes]:
    at = {"item_id": item["id"], "output_index": 0, "content_index": 0}
    events = [
        ("response.created", {"response": started}),
        ("response.in_progress", {"response": started}),
        ("response.output_item.added", {"output_index": 0, "item": {**item, "status": "in_progress", "content": []}}),
        ("response.content_part.added", {**at, "part": {**part, "text": ""}}),
        *(("response.output_text.delta", {**at, "delta": word, "logprobs": []}) for word in words),
        ("response.output_text.done", {**at, "text": part["text"], "logprobs": []}),
        ("response.content_part.done", {**at, "part": part}),
        ("response.output_item.done", {"output_index": 0, "item": item}),
        ("response.completed", {"response": finished}),
    ]
    for number, (name, data) in enumerate(events):
        yield sse_event({"type": name, "sequence_number": number, **data}, name)


def _speech(asked: dict[str, Any]) -> Reply:
    # Not text in any encoding, with what a careless proxy would change: NUL, CR LF, a lone 0xFF.
    audio = b"ID3\x04\x00" + bytes(range(256)) * 32 + b"\r\n\r\n\xff"
    return reply(200, [("Content-Type", "audio/mpeg"), *HEADERS], [audio[:4000], audio[4000:]], framing="chunked")


def _files(request: Request) -> Reply:
    head = f"Content-Type: {request.header('content-type')}\r\n\r\n".encode()
    form = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + bytes(request.body))
    parts = {part.get_param("name", header="content-disposition"): part for part in form.iter_parts()}
    if "file" not in parts:
        return error(400, "'file' is a required property")
    content = parts["file"].get_payload(decode=True)
    return _json(
        {
            "id": "file-abc123",
            "object": "file",
            "bytes": len(content or b""),
            "created_at": CREATED,
            "filename": parts["file"].get_filename(),
            "purpose": str(parts["purpose"].get_payload()) if "purpose" in parts else "",
            "status": "processed",
        }
    )


_BY_PATH: dict[str, Callable[..., Reply]] = {
    "/v1/chat/completions": _chat,
    "/v1/completions": _completion,
    "/v1/embeddings": _embeddings,
    "/v1/responses": _responses,
    "/v1/audio/speech": _speech,
    "/v1/files": _files,
}
