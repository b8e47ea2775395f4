"""Exchanges for the sink's tests: made by hand, from the corpus, or from the bodies in tests/conformance."""

import gzip
import re
from array import array
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import pytest

from tracer.records import Body, Chunks, Exchange, Outcome, TraceContext
from tracer.sink.usage import Usage, read_usage

CONFORMANCE = Path(__file__).parent.parent / "conformance"
CORPUS = Path(__file__).parent.parent.parent.parent / "shared" / "corpus" / "exchanges.jsonl.gz"
STARTED_NS = 1_790_000_000_123_456_789  # 2026-09-21
MS = 1_000_000

# Hosts of the corpus by provider; one that is not here is taken for an unlabelled host that speaks OpenAI's dialect.
PROVIDERS = {
    "azure.com": "azure-openai",
    "openai.com": "openai",
    "groq.com": "groq",
    "mistral.ai": "mistral-ai",
    "deepseek.com": "deepseek",
    "openrouter.ai": "openrouter",
    "together": "together-ai",
    "cerebras.ai": "cerebras",
    "generativelanguage": "google",
    "voyageai.com": "voyage",
    "z.ai": "z-ai",
    "anthropic.com": "anthropic",
    "aiplatform.googleapis.com": "vertex-ai",
    "bedrock": "bedrock",
    "cohere.com": "cohere",
    "writer.com": "writer",
    "huggingface.co": "huggingface",
    "crusoecloud.com": "crusoe",
    "snowflakecomputing.com": "snowflake",
    "11434": "ollama",
    "ollama.com": "ollama",
    "localhost:8000": "vllm",
}
# A gateway that was recorded names the provider in the path.
_BY_PATH = {"/anthropic/": "anthropic", "/bedrock/": "bedrock", "/openai/": "openai"}


def exchange(
    response: bytes | Body = b"",
    request: bytes | Body = b"",
    *,
    path: str = "/v1/chat/completions",
    media: str = "application/json",
    status: int = 200,
    method: str = "POST",
    provider: str = "openai",
    every_ms: int = 10,
    **other: Any,
) -> Exchange:
    """A finished exchange; a stream's events arrive one by one, `every_ms` apart."""
    answer = body(response) if isinstance(response, bytes) else response
    pieces = events_of(answer.head) if media == "text/event-stream" else [answer.head]
    values: dict[str, Any] = {
        "call_id": UUID(int=7),
        "started_ns": STARTED_NS,
        "trace": TraceContext("t-1", "s-1", "0" * 31 + "1", "0" * 15 + "1"),
        "door": "openai",
        "provider": provider,
        "method": method,
        "path": path,
        "request_headers": (("content-type", "application/json"),),
        "request": body(request) if isinstance(request, bytes) else request,
        "status": status,
        "response_headers": (("content-type", media),),
        "response": answer,
        "chunks": chunks([len(piece) for piece in pieces], every_ms),
        "outcome": Outcome.OK,
        "request_end_ns": 1 * MS,
        "sent_ns": 2 * MS,
        "headers_ns": 9 * MS,
        "first_byte_ns": every_ms * MS,
        "upstream_end_ns": 900 * MS,
        "end_ns": 901 * MS,
    }
    return Exchange(**{**values, **other})


def body(data: bytes) -> Body:
    return Body(data, b"", len(data))


def chunks(lengths: list[int], every_ms: int = 10) -> Chunks:
    at_ns = array("Q", [number * every_ms * MS for number in range(1, len(lengths) + 1)])
    return Chunks(at_ns.tobytes(), array("I", lengths).tobytes())


def events_of(stream: bytes) -> list[bytes]:
    """The stream cut behind every empty line."""
    return [piece for piece in re.split(rb"(?<=\n\n)|(?<=\r\n\r\n)", stream) if piece]


def sse(*documents: Any, done: bool = True) -> bytes:
    """A stream of these documents as OpenAI frames it."""
    data = b"".join(b"data: " + orjson.dumps(document) + b"\n\n" for document in documents)
    return data + b"data: [DONE]\n\n" if done else data


def chunk(content: str | None = None, **other: Any) -> dict[str, Any]:
    """A chat chunk of one choice."""
    reason = other.pop("finish_reason", None)
    delta = {} if content is None else {"content": content}
    choice = {"index": other.pop("index", 0), "delta": other.pop("delta", delta), "finish_reason": reason}
    return {"id": "c-1", "object": "chat.completion.chunk", "model": "gpt-4o-mini", "choices": [choice], **other}


@cache
def corpus() -> tuple[dict[str, Any], ...]:
    """Everything that was recorded."""
    if not CORPUS.exists():
        pytest.skip("the recorded exchanges are not beside this repository")
    with gzip.open(CORPUS) as lines:
        return tuple(orjson.loads(line) for line in lines)


def openai_shaped() -> Iterator[dict[str, Any]]:
    """The recorded exchanges of chat, completions, embeddings and responses in OpenAI's shape."""
    for recorded in corpus():
        path = recorded["path"].partition("?")[0]
        if path.endswith(("/chat/completions", "/completions", "/embeddings", "/responses")):
            yield recorded


def provider_of(recorded: dict[str, Any]) -> str:
    """The slug of the provider that a recorded exchange was with."""
    if recorded["host"] == "localhost:8787":
        return next(slug for start, slug in _BY_PATH.items() if recorded["path"].startswith(start))
    return next((slug for host, slug in PROVIDERS.items() if host in recorded["host"]), "openai")


def replay(recorded: dict[str, Any], **other: Any) -> Exchange:
    """A recorded exchange as the proxy would have noted it."""
    return exchange(
        recorded["response"].encode(),
        recorded["request"].encode(),
        path=recorded["path"],
        media=recorded["content_type"].partition(";")[0],
        status=recorded["status"],
        method=recorded["method"].upper(),
        provider=provider_of(recorded),
        upstream=recorded["host"],
        **other,
    )


def normalise(raw: dict[str, Any], provider: str, operation: str) -> Usage | None:
    """The buckets of a usage object, without what is to be noted of them."""
    found = read_usage(raw, provider, operation)
    return None if found is None else found[0]
