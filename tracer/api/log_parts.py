"""The two halves of a logged call, `request` and `response`, as clients really send them. Values in, values out.

Portkey's Logger posts what it is given; its LangChain and LlamaIndex callbacks and its span exporter post these shapes:
  {"method", "url", "provider", "headers", "body"}   a call to a model; `url` may be a base URL or a bare "chat/completions"
  any other JSON, a string too                       a step of an agent (chain, tool, retrieval): the whole is its content
  {"status", "headers", "body", "response_time"}     an answer; without any but the last, again the whole is the content
A base URL says nothing about the operation, so its path is completed by what the body looks like.

A streamed answer comes as the text of its events, or as a list of chunks, which is written as events again.
"""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlsplit

import orjson

from tracer.api.errors import ApiError
from tracer.proxy.headers import RawHeaders
from tracer.proxy.providers import PROVIDERS

# The path of what was no call to a model.
NO_PATH = "/v1/logs"
JSON, EVENTS, TEXT = "application/json", "text/event-stream", "text/plain; charset=utf-8"
_CALL = frozenset({"url", "method", "headers", "body", "provider"})
_ANSWER = frozenset({"status", "headers", "body"})
_BASE = re.compile(r"(?:.*/v\d+(?:beta)?|.*/openai)?/?")
_METHOD = re.compile(r"[A-Za-z]{1,16}")
_HOSTS = {urlsplit(known.origin).netloc: slug for slug, known in PROVIDERS.items() if known.origin}
_HOST_ENDS = ((".azure.com", "azure-openai"), ("aiplatform.googleapis.com", "vertex-ai"), (".amazonaws.com", "bedrock"))
_LONGEST_MS = 7 * 86400 * 1000


@dataclass(frozen=True, slots=True)
class Body:
    """Bytes and their content type; empty if there are none."""

    data: bytes
    media: str


@dataclass(frozen=True, slots=True)
class Asked:
    """The request. `target` is path and query, `upstream` host[:port]."""

    method: str
    target: str
    upstream: str
    provider: str
    headers: RawHeaders
    body: Body


@dataclass(frozen=True, slots=True)
class Answered:
    """The response; `duration_ns` is 0 if it was not given."""

    status: int
    headers: RawHeaders
    body: Body
    duration_ns: int


def asked(value: Any, where: str) -> Asked:
    """Raises ApiError naming the field that is wrong; `where` stands before it."""
    if not isinstance(value, dict) or not _CALL & value.keys():
        return Asked("POST", NO_PATH, "", "", (), body_of(value))
    method = _text(value, "method", where) or "POST"
    if not _METHOD.fullmatch(method):
        raise ApiError(400, f"{where}request.method: should be an HTTP method")
    url = _url(_text(value, "url", where), where)
    body = value.get("body")
    upstream = url.netloc.rpartition("@")[2]
    path = _path(url, body)
    return Asked(
        method=method.upper(),
        target=f"{path}?{url.query}" if url.query else path,
        upstream=upstream,
        provider=_slug(_text(value, "provider", where), upstream),
        headers=_headers(value.get("headers"), f"{where}request.headers"),
        body=body_of(body),
    )


def answered(value: Any, where: str) -> Answered:
    """Raises ApiError naming the field that is wrong; `where` stands before it."""
    fields: Mapping[str, Any] = value if isinstance(value, dict) else {}
    duration_ns = _duration_ns(fields.get("response_time", fields.get("responseTime")), f"{where}response.response_time")
    if not _ANSWER & fields.keys():
        content = {key: part for key, part in fields.items() if key != "response_time"} if fields else value
        return Answered(200, (), body_of(content), duration_ns)
    status = 200 if fields.get("status") is None else fields["status"]
    if isinstance(status, str) and status.isascii() and status.isdigit():
        status = int(status[:4])
    if type(status) is not int or not 100 <= status <= 599:
        raise ApiError(400, f"{where}response.status: should be an HTTP status code")
    body = events_of(fields.get("body"), streamed=fields.get("streamingMode") is True)
    return Answered(status, _headers(fields.get("headers"), f"{where}response.headers"), body, duration_ns)


def body_of(value: Any) -> Body:
    """What was sent, as bytes: a text as it is, all else as JSON."""
    if value is None:
        return Body(b"", "")
    if not isinstance(value, str):
        return Body(as_json(value), JSON)
    data = value.encode("utf-8", "replace")
    try:
        orjson.loads(data)
    except orjson.JSONDecodeError:
        return Body(data, EVENTS if value.startswith(("data:", "event:")) else TEXT)
    return Body(data, JSON)


def events_of(value: Any, *, streamed: bool) -> Body:
    """The same for an answer, which may be a list of a stream's chunks."""
    if not isinstance(value, list) or not value or not (streamed or all(map(_is_chunk, value))):
        return body_of(value)
    return Body(b"".join(b"data: %b\n\n" % as_json(chunk) for chunk in value) + b"data: [DONE]\n\n", EVENTS)


def _is_chunk(value: Any) -> bool:
    return isinstance(value, dict) and (
        str(value.get("object")).endswith(".chunk") or str(value.get("type")).startswith("response.")
    )


def as_json(value: Any) -> bytes:
    """Raises ApiError for what nobody writes: nesting of a thousand levels."""
    try:
        return orjson.dumps(value)
    except (TypeError, ValueError):  # lone surrogates, integers beyond 64 bits, deeper than orjson writes
        pass
    try:
        return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
    except RecursionError:
        raise ApiError(400, "the body is nested too deeply") from None


def _text(request: Mapping[str, Any], name: str, where: str) -> str:
    value = request.get(name)
    if value is not None and not isinstance(value, str):
        raise ApiError(400, f"{where}request.{name}: should be a text")
    return value or ""


def _url(value: str, where: str) -> SplitResult:
    try:
        return urlsplit(value)
    except ValueError:
        raise ApiError(400, f"{where}request.url: should be a URL") from None


def _path(url: SplitResult, body: Any) -> str:
    """The path that was asked for, as far as that can be known."""
    path = url.path if url.netloc or url.path.startswith("/") else f"/v1/{url.path}" if url.path else ""
    if not _BASE.fullmatch(path):
        return path
    operation = _operation(body if isinstance(body, dict) else {})
    return f"{path.rstrip('/') or '/v1'}{operation}" if operation else path or NO_PATH


def _operation(body: Mapping[str, Any]) -> str:
    if "messages" in body:
        return "/chat/completions"
    if "prompt" in body:
        return "/completions"
    if "input" in body:
        return "/embeddings" if "embed" in str(body.get("model", "")).lower() else "/responses"
    return ""


def _slug(named: str, host: str) -> str:
    """The provider's slug: as it is named if that is one, else by the host."""
    slug = named.strip().lower().removeprefix("@")
    if slug in PROVIDERS:
        return slug
    by_host = _HOSTS.get(host) or next((slug for end, slug in _HOST_ENDS if host.partition(":")[0].endswith(end)), "")
    return by_host or slug[:128]


def _headers(value: Any, field: str) -> RawHeaders:
    if value is None:
        return ()
    if not isinstance(value, dict):
        raise ApiError(400, f"{field}: should be an object")
    return tuple(
        (name.encode("latin-1", "replace"), (part if isinstance(part, str) else json.dumps(part)).encode("utf-8", "replace"))
        for name, part in value.items()
        if part is not None
    )


def _duration_ns(value: Any, field: str) -> int:
    """From milliseconds, which the callbacks write as text ("0042")."""
    if value is None or value == "":
        return 0
    try:
        milliseconds = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else math.nan
    except (ValueError, OverflowError):
        milliseconds = math.nan
    if not 0 <= milliseconds <= _LONGEST_MS:
        raise ApiError(400, f"{field}: should be milliseconds")
    return int(milliseconds * 1e6)
