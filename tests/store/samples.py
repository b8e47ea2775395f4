"""Calls to put into a store."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from tracer import ids
from tracer.records import Call, Content
from tracer.signals import AppSpan, Feedback
from tracer.sink.rates import Listed, tariff

STARTED = datetime.now(UTC).replace(microsecond=123456) - timedelta(hours=1)

PRICES = tariff(
    Listed(source="genai-prices", source_version="1", provider="openai", model="gpt-4o", valid_from=date(2026, 1, 1)),
    [
        (0, {"uncached_input": Decimal(5), "text_output": Decimal(5), "web_search": Decimal(10)}),
        (1000, {"uncached_input": Decimal(10), "text_output": Decimal(10)}),
    ],
)

CONTENT = Content(
    request_headers={"content-type": "application/json"},
    original_body='{"variables":{"name":"Ada"}}',
    request_body='{"messages":[{"role":"user","content":"grüß\' dich\\n"}]}',
    response_headers={"x-request-id": "req_1"},
    response_body="data: {}\n\n",
    assembled='{"choices":[]}',
    chunk_at_us=(100_250, 1 << 40),
    chunk_bytes=(10, 1),
)


def call(number: int, **fields: Any) -> Call:
    """A call like most: number `number`, with `fields` as they are given."""
    trace_id = fields.pop("trace_id", f"trace-{number}")
    span_id = fields.pop("span_id", f"span-{number}")
    parent = fields.pop("parent_span_id", "")
    values: dict[str, Any] = {
        "call_id": UUID(int=(7 << 76) | (0b10 << 62) | number),
        "started_at": STARTED + timedelta(milliseconds=number),
        "door": "openai",
        "operation": "chat",
        "endpoint": "/v1/chat/completions",
        "method": "POST",
        "provider": "openai",
        "upstream": "api.openai.com",
        "request_model": "gpt-4o",
        "response_model": "gpt-4o-2024-08-06",
        "outcome": "ok",
        "status_code": 200,
        "input_tokens": 10,
        "output_tokens": 5,
        "total_tokens": 15,
        "usage_source": "provider",
        "cost_usd": Decimal("0.000075"),
        "price_source": "genai-prices",
        "duration_ms": 250.0,
    }
    return Call(
        trace_id=trace_id,
        span_id=span_id,
        parent_span_id=parent,
        otel_trace_id=ids.otel_trace_id(trace_id),
        otel_span_id=ids.otel_span_id(span_id),
        otel_parent_span_id=ids.otel_span_id(parent) if parent else "",
        **(values | fields),
    )


def full_call(number: int) -> Call:
    """A call with every field set to something that is not its default."""
    return call(
        number,
        parent_span_id="span-0",
        span_name="checkout",
        attempt=2,
        user="u-1",
        session_id="s-1",
        metadata={"team": "a", "ключ": "значение"},
        response_id="chatcmpl-1",
        system_fingerprint="fp_1",
        service_tier="default",
        stream=True,
        temperature=0.5,
        top_p=0.9,
        max_tokens=100,
        seed=-7,
        n=2,
        tools=("search", "book"),
        prompt_id="p-1",
        prompt_version="3",
        cache_status="MISS",
        request_hash="abc",
        client="OpenAI/Python 3.54.0",
        key_hash="0123456789abcdef",
        key_id="key_1",
        extra_parameters={"top_k": "5", "metadata": '{"a":1}'},
        notes=("cache mode semantic was treated as simple",),
        outcome="upstream_error",
        status_code=429,
        error_type="rate_limit_exceeded",
        error_message="slow down",
        finish_reasons=("stop", "length"),
        uncached_input_tokens=1,
        cache_read_tokens=2,
        cache_write_tokens=3,
        audio_input_tokens=4,
        image_input_tokens=0,
        text_output_tokens=2,
        reasoning_tokens=2,
        audio_output_tokens=1,
        cached_audio_tokens=1,
        cache_write_1h_tokens=2,
        image_output_tokens=1,
        web_searches=3,
        usage_note="total_tokens is not the sum of its parts",
        price_id="p1",
        headers_ms=90.5,
        stalls=1,
        usage_raw='{"prompt_tokens":10}',
        cost_usd=Decimal("123456.000000000001"),
        input_cost_usd=Decimal("0.1"),
        output_cost_usd=Decimal("0"),
        saved_usd=Decimal("0.000000000001"),
        wasted_usd=Decimal("2"),
        upstream_connect_ms=1.5,
        ttfb_ms=100.25,
        ttft_ms=101.5,
        itl_p50_ms=3.0,
        itl_p95_ms=9.5,
        itl_max_ms=20.0,
        itl_digest=(0, 3, 4294967295),
        proxy_us=321,
        client_gone_ms=240.0,
        request_bytes=1234,
        response_bytes=2**40,
        truncated=True,
        content=CONTENT,
    )


STARTED_NS = int(STARTED.timestamp() * 1e6) * 1000


def feedback(number: int, **fields: Any) -> Feedback:
    """Feedback like most: number `number`."""
    values: dict[str, Any] = {
        "id": UUID(int=(7 << 76) | (0b10 << 62) | number),
        "trace_id": f"trace-{number}",
        "value": 5.0,
        "created_ns": STARTED_NS + number * 1000,
        "version": STARTED_NS + number * 1000,
    }
    return Feedback(**(values | fields))


def app_span(number: int, **fields: Any) -> AppSpan:
    """An application's span like most, one that has ended."""
    values: dict[str, Any] = {
        "id": f"app-{number}",
        "trace_id": f"trace-{number}",
        "name": f"step-{number}",
        "type": "STANDALONE",
        "status": "SUCCESS",
        "start_ns": STARTED_NS + number * 1000,
        "end_ns": STARTED_NS + number * 1000 + 2_000_000,
        "received_ns": STARTED_NS + number,
    }
    return AppSpan(**(values | fields))


def full_app_span(number: int) -> AppSpan:
    """A span with every field set to something that is not its default."""
    return app_span(
        number,
        parent_id="app-0",
        group_id="group",
        type="COMPLETION",
        status="ERROR",
        input='{"question":"grüß\' dich"}',
        output='{"answer":"x"}',
        expected='{"answer":"y"}',
        metadata='{"error":true,"error_type":"ValueError","error_message":"no such page"}',
        application_variant_id="variant",
        application_interaction_id="interaction",
        obs_trace_id="0af7651916cd43dd8448eb211c80319c",
        obs_span_id="b7ad6b7169203331",
        account="account",
        tags={"team": "search"},
        key_id="key_1",
        workspace="ws",
    )
