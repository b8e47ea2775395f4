"""`traceparent` on its way up: ours where the configuration says so, the caller's own otherwise."""

import re

import pytest

from tests.provider import Provider
from tests.proxy.conftest import Proxy, Start

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SENT = f"00-{TRACE}-{PARENT}-01"


async def sent_up(proxy: Proxy, provider: Provider, **headers: str) -> str | None:
    async with proxy.client.get(f"{proxy.url}/v1/models", headers=headers) as got:
        await got.read()
    return provider.requests[-1].header("traceparent")


async def test_untouched_by_default(proxy: Proxy, provider: Provider) -> None:
    assert await sent_up(proxy, provider) is None
    assert await sent_up(proxy, provider, traceparent=SENT, tracestate="a=b") == SENT
    assert provider.requests[-1].header("tracestate") == "a=b"
    assert await sent_up(proxy, provider, Traceparent="nonsense") == "nonsense"


@pytest.mark.parametrize("slugs", ["openai", "groq, openai", "*"])
async def test_our_span_is_the_parent_where_configured(start_proxy: Start, provider: Provider, slugs: str) -> None:
    async with start_proxy(TRACER_UPSTREAM_OPENAI=provider.url, TRACER_PROPAGATE_TRACEPARENT=slugs) as proxy:
        ours = await sent_up(proxy, provider, traceparent=SENT, tracestate="a=b")
        assert provider.requests[-1].header("tracestate") == "a=b"
        exchange = await proxy.exchange()
    assert ours == f"00-{TRACE}-{exchange.trace.otel_span_id}-01"
    assert exchange.trace.otel_parent_span_id == PARENT


async def test_a_trace_begins_with_us(start_proxy: Start, provider: Provider) -> None:
    async with start_proxy(TRACER_UPSTREAM_OPENAI=provider.url, TRACER_PROPAGATE_TRACEPARENT="openai") as proxy:
        ours = await sent_up(proxy, provider, **{"x-portkey-trace-id": "1729"})
        not_sampled = await sent_up(proxy, provider, traceparent=SENT[:-1] + "0")
        first, second = await proxy.exchanges(2)
    assert ours == f"00-{first.trace.otel_trace_id}-{first.trace.otel_span_id}-01"
    assert first.trace.trace_id == "1729"
    assert not_sampled == f"00-{TRACE}-{second.trace.otel_span_id}-00"
    assert re.fullmatch("[0-9a-f]{16}", second.trace.otel_span_id)


async def test_other_providers_get_the_callers(start_proxy: Start, provider: Provider) -> None:
    async with start_proxy(TRACER_UPSTREAM_OPENAI=provider.url, TRACER_PROPAGATE_TRACEPARENT="groq") as proxy:
        assert await sent_up(proxy, provider, traceparent=SENT) == SENT
