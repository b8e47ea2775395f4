"""The hand-written bodies beside this file as bytes on the wire.

One JSON file a case: `about`, `provider`, `path`, `request`, then either `response` (a document) or `events`, and `expected`,
columns of the Call by name. Of a stream, `framing` says how its events travel:

    sse        server-sent events, with names if `named`, and `[DONE]` unless `done` is false; `comment`: one stands in front
    lines      one object a line
    array      elements of one JSON array
    aws        Amazon's messages, one for each {type of event: payload}
    aws-bytes  Amazon's messages around a model's own events

Optional: `status`, `media` (type of the reply), `headers` (more of the reply).
"""

import base64
from pathlib import Path
from typing import Any

import orjson

from tracer.eventstream import MEDIA_TYPE, encode

CASES: dict[str, dict[str, Any]] = {
    file.stem: orjson.loads(file.read_bytes()) for file in sorted(Path(__file__).parent.glob("*.json"))
}
_JSON = "application/json"
_SSE = "text/event-stream"


def media_of(case: dict[str, Any]) -> str:
    """The media type of a case's reply."""
    framing = "" if "response" in case else case.get("framing", "sse")
    usual = {"sse": _SSE, "lines": "application/x-ndjson", "aws": MEDIA_TYPE, "aws-bytes": MEDIA_TYPE}.get(framing, _JSON)
    return str(case.get("media", usual))


def pieces_of(case: dict[str, Any]) -> list[bytes]:
    """A case's reply: a document in one piece, a stream event by event."""
    if "response" in case:
        return [orjson.dumps(case["response"])]
    events, framing = case["events"], case.get("framing", "sse")
    if framing == "sse":
        return _sse(case)
    if framing == "lines":
        return [orjson.dumps(event) + b"\n" for event in events]
    if framing == "array":
        return [(b",\n" if number else b"[") + orjson.dumps(event) for number, event in enumerate(events)] + [b"]"]
    return [_wrapped(event) if framing == "aws-bytes" else _message(event) for event in events]


def _sse(case: dict[str, Any]) -> list[bytes]:
    found = [b": PROCESSING\n\n"] if case.get("comment") else []
    for event in case["events"]:
        name = b"event: " + event["type"].encode() + b"\n" if case.get("named") else b""
        found.append(name + b"data: " + orjson.dumps(event) + b"\n\n")
    return [*found, b"data: [DONE]\n\n"] if case.get("done", True) else found


def _message(event: dict[str, Any]) -> bytes:
    ((kind, payload),) = event.items()
    error = kind.endswith("Exception")
    headers = {":exception-type" if error else ":event-type": kind, ":content-type": _JSON}
    return encode({**headers, ":message-type": "exception" if error else "event"}, orjson.dumps(payload))


def _wrapped(event: dict[str, Any]) -> bytes:
    payload = {"bytes": base64.b64encode(orjson.dumps(event)).decode(), "p": "abcd"}
    headers = {":event-type": "chunk", ":content-type": _JSON, ":message-type": "event"}
    return encode(headers, orjson.dumps(payload))
