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
from tracer.sink.body import Plain, header, is_json
from tracer.sink.errors import Error, error_in, error_reply
from tracer.sink.facts import Facts
from tracer.sink.latency import Timing, arrivals, times_of, timing
from tracer.sink.remains import salvaged
from tracer.sink.route import Route
from tracer.sink.stream import Stream, looks_like_events, read_stream


class Reply(Struct, frozen=True):
    """What the answer turned out to be."""

    facts: Facts
    sse: bool = False
    cut: bool = False  # it stopped before its end
    timing: Timing = Timing()
    tokens: int = 0  # events of a stream that carried one
    assembled: str = ""
    error: Error | None = None
    outcome: Outcome = Outcome.OK  # as the body tells it


def read_reply(exchange: Exchange, way: Route, media: str, body: Plain) -> Reply:
    """The reply in a response body of this media type."""
    if looks_like_events(media, body.head):
        return _read_stream(exchange, way, media, body)
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
        facts = salvaged(body)
        _take_headers(facts, exchange)
        return Reply(facts)
    if isinstance(document, list) and len(document) == 1:
        document = document[0]  # Hugging Face answers with a list of one, Google fails with one
    if not isinstance(document, dict):
        return Reply(facts)
    facts.take_document(document)
    if exchange.status >= 400:
        kind, message = error_reply(document)
        return Reply(facts, error=(kind or _amazons_word(exchange), message))
    if exchange.provider == "bedrock" or facts.usage is None:
        _take_headers(facts, exchange)
    error = (facts.error or error_in(document)) if way.operation or "id" not in document else None
    return Reply(facts, error=error, outcome=Outcome.OK if error is None else Outcome.UPSTREAM_ERROR)


def _amazons_word(exchange: Exchange) -> str:
    """The type of an error, which Bedrock tells in a header: "ValidationException:http://…"."""
    return header(exchange.response_headers, "x-amzn-errortype").partition(":")[0]


def _take_headers(facts: Facts, exchange: Exchange) -> None:
    """What Bedrock says of the tokens and the tier in its headers, for models whose replies say nothing."""
    found = {
        name.lower(): value
        for name, value in exchange.response_headers
        if name.lower().startswith("x-amzn-bedrock-") and name.lower().endswith("-token-count")
    }
    facts.usage_beside = facts.usage_beside or found or None
    facts.tier = facts.tier or header(exchange.response_headers, "x-amzn-bedrock-service-tier")


def _read_damaged(exchange: Exchange, media: str, body: Plain) -> Reply:
    """A whole body that should be JSON and is not: cut by the connection's end, or not what its header says."""
    facts = salvaged(body)
    nothing_due = exchange.method == "HEAD" or exchange.status in (204, 304) or not exchange.status
    if exchange.status >= 400 or not is_json(media) or nothing_due or body.coding:
        return Reply(facts)
    return Reply(facts, error=("malformed_body", "the reply is not the JSON it says it is"), outcome=Outcome.UPSTREAM_ERROR)


def _read_stream(exchange: Exchange, way: Route, media: str, body: Plain) -> Reply:
    stream = read_stream(body, media)
    facts = Facts()
    tokens = [end for document, end in zip(stream.documents, stream.ends, strict=True) if facts.take_event(document)]
    facts.ended = facts.ended or stream.done
    if stream.documents:
        facts.take_account_beside(stream.documents[-1])
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
        tokens=len(tokens),
        assembled=assemble(stream.documents) if exchange.content else "",
        error=error,
        outcome=outcome,
    )


def _must_end(facts: Facts, way: Route, stream: Stream, body: Plain) -> bool:
    """Whether a stream without an end was cut: unknown dialects end as they like, and a bounded copy may lack the end."""
    if body.coding or (body.truncated and not body.tail):
        return False
    return facts.must_end or (way.must_end and not stream.documents)
