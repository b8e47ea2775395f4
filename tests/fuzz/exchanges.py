"""Any bytes as an exchange: the first three choose its media type, coding, provider and hole, the rest are its bodies."""

from uuid import UUID

from tracer.records import Body, Exchange, TraceContext

ID = UUID("01a20000-0000-7000-8000-000000000001")
TRACE = TraceContext(trace_id="t", span_id="s", otel_trace_id="0" * 31 + "1", otel_span_id="0" * 15 + "1")
MEDIA = [
    "application/json",
    "text/event-stream",
    "application/x-ndjson",
    "application/vnd.amazon.eventstream",
    "text/plain",
    "",
]
CODINGS = ["", "gzip", "deflate", "br", "zstd", "gzip, gzip", "br, deflate", "x-gzip", "nonsense", "identity, gzip", ",,"]
PATHS = ["/v1/chat/completions", "/v1/responses", "/v1/messages", "/v1/embeddings", "/v1beta/models/m:streamGenerateContent"]
PROVIDERS = ["openai", "anthropic", "google", "bedrock", "cohere", "ollama", "huggingface", "writer", "perplexity-ai", "nobody"]


def exchange_of(data: bytes) -> Exchange:
    """What these bytes stand for."""
    first, second, third = (*data[:3], 0, 0, 0)[:3]
    body = data[3:]
    kind, coding = MEDIA[first % len(MEDIA)], CODINGS[second % len(CODINGS)]
    half = len(body) // 2 if second & 0x80 else len(body)
    reply = Body(body[:half], body[half + third :], len(body), truncated=half != len(body))
    provider = PROVIDERS[third % len(PROVIDERS)]
    return Exchange(
        call_id=ID,
        started_ns=1_790_000_000_000_000_000,
        trace=TRACE,
        door="openai",
        provider=provider,
        upstream="h",
        method="POST",
        path=PATHS[third % len(PATHS)],
        request_headers=(("content-type", "application/json"),),
        request=Body(body, b"", len(body)),
        status=200 if first & 0x80 == 0 else 400,
        response_headers=(("content-type", kind), ("content-encoding", coding)),
        response=reply,
        end_ns=1_000_000,
    )
