"""One Exchange becomes one Call: what it meant, what it used, what it cost, how fast it was and how it ended.

Strategy: read what was asked (request.py) and what was answered (reply.py), price it (bill.py), then put the columns together.
Each JSON text is decoded once. Nothing here does I/O or reads a clock: the same Exchange and prices always give the same Call,
which lets a batch be repeated.

Invariants
- Nothing raises on what a client or a provider sent. What cannot be understood stays at its default.
- The proxy's own verdict (outcome, error_type, error_message) stands. Only an `ok` is looked at more closely (reply.py).
- A call that the cache answered has the tokens of the reply, spends 0 and saved what they cost; `cache_status` tells it, since
  the client may leave in the middle. The gaps between its tokens are no provider's, and are left out.
- Where a front door made another body (`original` is there), `request` is JSON of Tracer's own, whatever the headers say.
- `user`: metadata's `_user`, else the body's `user`, which is then copied to `_user`, as Portkey does.
  `session_id`: metadata's `_session`, else `session_id`, else `session`.
- Times are of the proxy: `proxy_us` is what it spent between the end of the request and handing it to the upstream, without
  opening a connection, plus what it spent after the upstream had finished. None if nothing went upstream.
"""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from tracer.blank import PLACEHOLDER
from tracer.records import Call, Content, Exchange, Headers, Outcome
from tracer.sink.bill import bill, wasted
from tracer.sink.body import Plain, media_type, plain, readable, text
from tracer.sink.estimate import Sides
from tracer.sink.facts import Facts
from tracer.sink.hashed import with_hashed_media
from tracer.sink.latency import Timing, pieces
from tracer.sink.price import PriceBook, nothing_paid
from tracer.sink.reply import Reply, read_reply
from tracer.sink.request import read_request
from tracer.sink.route import route

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SESSION_KEYS = ("_session", "session_id", "session")
_HITS = ("HIT", "SEMANTIC HIT")
_JSON = "application/json"


def decode(exchange: Exchange, prices: PriceBook) -> Call:
    """The row that this exchange becomes."""
    exchange = with_hashed_media(exchange)
    way = route("WEBSOCKET" if exchange.websocket else exchange.method, exchange.path)
    media = media_type(exchange.response_headers)
    asked_media, asked_body, original = _asked(exchange)
    body = plain(exchange.response, exchange.response_headers, exchange.chunks)
    sides = Sides(readable(asked_body), readable(body))
    asked = read_request(sides.asked, asked_media, exchange.path, readable(original))
    reply = Reply(Facts()) if exchange.websocket else read_reply(exchange, way, media, sides.answered)
    found = bill(exchange, way, asked, reply, sides, prices)
    usage, cost = found.usage, nothing_paid(found.cost) if _is_hit(exchange) else found.cost
    outcome, error_type, error_message = _end(exchange, reply)
    metadata, user = _identity(exchange.trace.metadata, asked.user)
    facts, trace = reply.facts, exchange.trace
    timing = Timing(ttft_ms=reply.timing.ttft_ms) if _is_hit(exchange) else reply.timing
    return Call(
        call_id=exchange.call_id,
        started_at=_EPOCH + timedelta(microseconds=exchange.started_ns // 1000),
        trace_id=trace.trace_id,
        span_id=trace.span_id,
        parent_span_id=trace.parent_span_id,
        span_name=trace.span_name,
        otel_trace_id=trace.otel_trace_id,
        otel_span_id=trace.otel_span_id,
        otel_parent_span_id=trace.otel_parent_span_id,
        attempt=exchange.attempt,
        user=user,
        session_id=next((metadata[key] for key in _SESSION_KEYS if metadata.get(key)), ""),
        metadata=metadata,
        door=exchange.door,
        operation=way.operation,
        endpoint=way.endpoint,
        method=exchange.method,
        provider=exchange.provider,
        upstream=exchange.upstream,
        request_model=asked.model,
        response_model=facts.model,
        response_id=facts.id,
        system_fingerprint=facts.fingerprint,
        service_tier=facts.tier,
        stream=asked.stream or reply.sse,
        temperature=asked.temperature,
        top_p=asked.top_p,
        max_tokens=asked.max_tokens,
        seed=asked.seed,
        n=asked.n,
        tools=asked.tools,
        prompt_id=exchange.prompt_id,
        prompt_version=exchange.prompt_version,
        cache_status=exchange.cache_status,
        request_hash=_hash(exchange),
        client=exchange.client,
        key_hash=exchange.key_hash,
        key_id=exchange.key_id,
        extra_parameters=asked.extra,
        notes=(*exchange.notes, *_notes(sides)),
        outcome=outcome,
        status_code=exchange.status,
        error_type=error_type,
        error_message=error_message,
        finish_reasons=facts.finish_reasons(reply.cut),
        uncached_input_tokens=usage.uncached_input_tokens,
        cache_read_tokens=usage.cache_read_tokens,
        cache_write_tokens=usage.cache_write_tokens,
        audio_input_tokens=usage.audio_input_tokens,
        image_input_tokens=usage.image_input_tokens,
        text_output_tokens=usage.text_output_tokens,
        reasoning_tokens=usage.reasoning_tokens,
        audio_output_tokens=usage.audio_output_tokens,
        cached_audio_tokens=usage.cached_audio_tokens,
        cache_write_1h_tokens=usage.cache_write_1h_tokens,
        image_output_tokens=usage.image_output_tokens,
        web_searches=usage.web_searches,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        total_tokens=usage.total_tokens,
        usage_source=found.source,
        usage_raw=found.raw,
        usage_note=found.note,
        cost_usd=cost.total,
        input_cost_usd=cost.input,
        output_cost_usd=cost.output,
        saved_usd=cost.saved,
        wasted_usd=None if _is_hit(exchange) else wasted(cost, outcome),
        price_source=cost.source,
        price_id=cost.price_id,
        duration_ms=exchange.end_ns / 1e6,
        upstream_connect_ms=_ms(exchange.connect_ns),
        headers_ms=_ms(exchange.headers_ns),
        ttfb_ms=_ms(exchange.first_byte_ns),
        ttft_ms=timing.ttft_ms,
        itl_p50_ms=timing.itl_p50_ms,
        itl_p95_ms=timing.itl_p95_ms,
        itl_max_ms=timing.itl_max_ms,
        stalls=timing.stalls,
        itl_digest=timing.itl_digest,
        proxy_us=_proxy_us(exchange),
        client_gone_ms=_ms(exchange.client_gone_ns),
        request_bytes=exchange.request.size,
        response_bytes=exchange.response.size,
        truncated=exchange.request.truncated or exchange.response.truncated or bool(asked_body.note or body.note),
        content=_content(exchange, asked_body, asked_media, original, body, media, reply),
        prices=cost.prices,
    )


def _asked(exchange: Exchange) -> tuple[str, Plain, Plain]:
    """Media type and body of the request as it went up, and the body that the client sent if that is another one."""
    media, headers = media_type(exchange.request_headers), exchange.request_headers
    if not exchange.original.size:
        return media, plain(exchange.request, headers), Plain(b"")
    return _JSON, plain(exchange.request, ()), plain(exchange.original, headers)


def _notes(sides: Sides) -> list[str]:
    """What of the bodies was not kept or not read, although it came."""
    both = (("request", sides.asked.note), ("reply", sides.answered.note))
    return [f"the body of the {side} {note}" for side, note in both if note]


def _is_hit(exchange: Exchange) -> bool:
    return exchange.outcome is Outcome.CACHE_HIT or exchange.cache_status in _HITS


def _end(exchange: Exchange, reply: Reply) -> tuple[Outcome, str, str]:
    outcome, error = exchange.outcome, reply.error
    if outcome is Outcome.OK:
        outcome = Outcome.UPSTREAM_ERROR if exchange.status >= 400 else reply.outcome
    elif exchange.status < 400:
        error = reply.facts.error  # that the body is incomplete is no news here
    if exchange.error_type or exchange.error_message:
        return outcome, exchange.error_type, exchange.error_message
    kind, message = error or ("", "")
    if not exchange.content and message == PLACEHOLDER:
        message = ""
    if outcome is Outcome.UPSTREAM_ERROR and not kind and exchange.status >= 400:
        kind = str(exchange.status)
    return outcome, kind, message


def _identity(metadata: Mapping[str, str], body_user: str) -> tuple[dict[str, str], str]:
    """The metadata with `_user` in it if any user is known, and that user."""
    user = metadata.get("_user") or body_user
    return ({**metadata, "_user": user} if user else dict(metadata)), user


def _hash(exchange: Exchange) -> str:
    """Of the request as kept; none if its text was blanked, for then different requests look the same."""
    body = exchange.request
    if not body.head or not exchange.content:
        return ""
    digest = hashlib.sha256(body.head)
    digest.update(body.tail)
    if body.truncated:
        digest.update(str(body.size).encode())
    return digest.hexdigest()[:16]


def _ms(ns: int) -> float | None:
    return ns / 1e6 if ns else None


def _proxy_us(exchange: Exchange) -> int | None:
    if not exchange.sent_ns:
        return None
    before = exchange.sent_ns - exchange.request_end_ns - exchange.connect_ns
    after = exchange.end_ns - exchange.upstream_end_ns if exchange.upstream_end_ns else 0
    return (max(before, 0) + max(after, 0)) // 1000


def _content(
    exchange: Exchange, asked_body: Plain, asked_media: str, original: Plain, body: Plain, media: str, reply: Reply
) -> Content | None:
    if not exchange.content or exchange.websocket:
        return None
    lengths, at_ns = pieces(exchange.chunks) if reply.sse else ((), ())
    return Content(
        request_headers=_joined(exchange.request_headers),
        request_body=text(exchange.request, asked_body, asked_media),
        original_body=text(exchange.original, original, media_type(exchange.request_headers)),
        response_headers=_joined(exchange.response_headers),
        response_body=text(exchange.response, body, media),
        assembled=reply.assembled,
        chunk_at_us=tuple([at // 1000 for at in at_ns]),
        chunk_bytes=tuple(lengths),
    )


def _joined(headers: Headers) -> dict[str, str]:
    """Repeated headers are one, separated by commas (RFC 9110, 5.3)."""
    joined: dict[str, str] = {}
    for name, value in headers:
        joined[name] = f"{joined[name]}, {value}" if name in joined else value
    return joined
