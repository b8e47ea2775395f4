"""What the answer turned out to be: a document, a stream of events, or what can be saved of a damaged one.

An error may hide in a reply with status 200: in the JSON, in an event, in a stream that stops without an end, in a body that
should be JSON and is not. `outcome` says what the body tells; whether that counts is decided in decode.py.

Traps
- Whether a stream is complete can only be said of kinds that announce their end; see `_must_end`.
- Elsewhere than in a model's answer, an object may well have an `error` of its own: a fine-tuning job that failed is a fine
  answer to a question about it.
"""

from typing import Any

import orjson
from msgspec import Struct

from tracer.records import Exchange, Outcome
from tracer.sink.assemble import assemble
from tracer.sink.body import Plain, is_json
from tracer.sink.facts import Facts, error_in, error_reply
from tracer.sink.latency import Timing, arrivals, times_of, timing
from tracer.sink.request import Route
from tracer.sink.salvage import all_scalars, last_object, scalars
from tracer.sink.stream import Stream, looks_like_events, read_stream


class Reply(Struct, frozen=True):
    """What the answer turned out to be."""

    facts: Facts
    sse: bool = False
    cut: bool = False  # it stopped before its end
    timing: Timing = Timing()
    assembled: str = ""
    error: tuple[str, str] | None = None
    outcome: Outcome = Outcome.OK  # as the body tells it


def read_reply(exchange: Exchange, way: Route, media: str, body: Plain) -> Reply:
    """The reply in a response body of this media type."""
    if looks_like_events(media, body.head):
        return _read_stream(exchange, way, body)
    if not is_json(media) and not body.head.startswith(b"{"):
        return Reply(Facts())
    facts = Facts()
    document: Any = None
    if not body.truncated:
        try:
            document = orjson.loads(body.head)
        except orjson.JSONDecodeError:
            return _read_damaged(exchange, media, body)
    elif body.head:
        return Reply(_salvaged(body))
    if not isinstance(document, dict):
        return Reply(facts)
    facts.take_document(document)
    if exchange.status >= 400:
        return Reply(facts, error=error_reply(document))
    error = (facts.error or error_in(document)) if way.operation or "id" not in document else None
    return Reply(facts, error=error, outcome=Outcome.OK if error is None else Outcome.UPSTREAM_ERROR)


def _read_damaged(exchange: Exchange, media: str, body: Plain) -> Reply:
    """A whole body that should be JSON and is not: cut by the connection's end, or not what its header says."""
    facts = _salvaged(body)
    nothing_due = exchange.method == "HEAD" or exchange.status in (204, 304) or not exchange.status
    if exchange.status >= 400 or not is_json(media) or nothing_due or body.coding:
        return Reply(facts)
    return Reply(facts, error=("malformed_body", "the reply is not the JSON it says it is"), outcome=Outcome.UPSTREAM_ERROR)


def _salvaged(body: Plain) -> Facts:
    facts = Facts()
    head, tail = body.head.decode("utf-8", "replace"), body.tail.decode("utf-8", "replace")
    frame = ("id", "model", "system_fingerprint", "service_tier")
    found = {**scalars(tail, frame), **scalars(head, frame)}
    usage = last_object(tail, ("usage",)) or last_object(head, ("usage",))
    facts.take_document(found | ({"usage": usage} if usage else {}))
    for index, reason in enumerate(all_scalars(head, "finish_reason") + all_scalars(tail, "finish_reason")):
        if isinstance(reason, str):
            facts.reasons[index] = reason
            facts.choices = index + 1
    return facts


def _read_stream(exchange: Exchange, way: Route, body: Plain) -> Reply:
    stream = read_stream(body)
    facts = Facts()
    tokens = [end for document, end in zip(stream.documents, stream.ends, strict=True) if facts.take_event(document)]
    facts.ended = facts.ended or stream.done
    cut = not facts.ended and _must_end(facts, way, stream, body)
    outcome, error = Outcome.OK, facts.error
    if error is not None:
        outcome = Outcome.STREAM_ERROR
    elif cut and exchange.outcome is Outcome.OK and exchange.status < 400:
        outcome, error = Outcome.STREAM_ERROR, ("truncated_stream", "the stream stopped without a finish reason")
    ends, at_ns = arrivals(exchange.chunks, body.lengths)
    return Reply(
        facts,
        sse=True,
        cut=cut,
        timing=timing(times_of(tokens, ends, at_ns)),
        assembled=assemble(stream.documents) if exchange.content else "",
        error=error,
        outcome=outcome,
    )


def _must_end(facts: Facts, way: Route, stream: Stream, body: Plain) -> bool:
    """Whether a stream without an end was cut: other dialects end as they like, and a bounded copy may lack the end."""
    if body.coding or (body.truncated and not body.tail):
        return False
    return facts.openai_like or (way.openai_stream and not stream.heard)
