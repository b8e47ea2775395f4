"""Calls to export: the least that a call can be, and one with everything."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from tracer.records import Call, Content

STARTED = datetime(2026, 11, 21, 10, 20, 30, 123_457, tzinfo=UTC)
STARTED_NS = 1_795_256_430_123_457_000
TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
SPAN_ID = "b7ad6b7169203331"

_BARE = Call(
    call_id=UUID("019aa5f0-0000-7000-8000-000000000001"),
    started_at=STARTED,
    trace_id="order-7",
    span_id="step-1",
    otel_trace_id=TRACE_ID,
    otel_span_id=SPAN_ID,
    door="openai",
    operation="chat",
    endpoint="/v1/chat/completions",
    method="POST",
    outcome="ok",
)

_FULL: dict[str, Any] = {
    "parent_span_id": "step-0",
    "otel_parent_span_id": "00f067aa0ba902b7",
    "attempt": 1,
    "user": "ada",
    "session_id": "chat-42",
    "metadata": {"team": "blue"},
    "provider": "openai",
    "upstream": "api.openai.com",
    "request_model": "gpt-4o",
    "response_model": "gpt-4o-2024-08-06",
    "response_id": "chatcmpl-1",
    "system_fingerprint": "fp_44709d6fcb",
    "service_tier": "default",
    "stream": True,
    "temperature": 1,
    "top_p": 0.5,
    "max_tokens": 100,
    "seed": 7,
    "n": 2,
    "tools": ("weather",),
    "prompt_id": "greeting",
    "prompt_version": "3",
    "request_hash": "abc",
    "client": "OpenAI/Python 3.0.0",
    "key_hash": "0123456789abcdef",
    "key_id": "key_1",
    "notes": ("strategy loadbalance was ignored",),
    "outcome": "stream_error",
    "status_code": 200,
    "error_type": "server_error",
    "error_message": "the stream broke",
    "finish_reasons": ("stop", "error"),
    "cache_read_tokens": 3,
    "cache_write_tokens": 4,
    "audio_input_tokens": 5,
    "image_input_tokens": 6,
    "reasoning_tokens": 7,
    "audio_output_tokens": 8,
    "input_tokens": 100,
    "output_tokens": 50,
    "total_tokens": 150,
    "usage_source": "provider",
    "cost_usd": Decimal("0.00125"),
    "input_cost_usd": Decimal("0.00025"),
    "output_cost_usd": Decimal("0.001"),
    "saved_usd": Decimal("0"),
    "wasted_usd": Decimal("0.0001"),
    "price_source": "user",
    "duration_ms": 1500.25,
    "ttfb_ms": 250.0,
    "ttft_ms": 300.0,
    "itl_p50_ms": 10.0,
    "itl_p95_ms": 20.0,
    "itl_max_ms": 30.0,
    "proxy_us": 180,
    "client_gone_ms": 1400.0,
    "truncated": True,
}

CHAT_REQUEST = (
    '{"model":"gpt-4o","messages":[{"role":"user","content":"Hi"}],"tools":[{"type":"function","function":{"name":"weather"}}]}'
)
CHAT_RESPONSE = '{"choices":[{"message":{"role":"assistant","content":"Hello"},"finish_reason":"stop"}]}'


def call(**fields: Any) -> Call:
    """A chat that went well, and nothing else known of it."""
    return replace(_BARE, **fields)


def full_call(**fields: Any) -> Call:
    """A call with every field of Call set that a span can show."""
    return replace(_BARE, **{**_FULL, **fields})


def content(request: str = CHAT_REQUEST, response: str = CHAT_RESPONSE, assembled: str = "") -> Content:
    return Content(request_headers={}, request_body=request, response_headers={}, response_body=response, assembled=assembled)


def many(count: int, **fields: Any) -> list[Call]:
    """Calls with ids 1, 2, …"""
    return [call(call_id=UUID(int=i), otel_span_id=f"{i:016x}", **fields) for i in range(1, count + 1)]
