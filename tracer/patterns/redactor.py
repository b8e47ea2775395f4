"""Whole records without what must not be kept, before they are encoded for the spool. Runs on the spool's thread.

Invariants
- Never raises: of a record that cannot be searched its content goes, all of it, and its figures stay. It is counted, and
  noted.
- An id in which something was found keeps a hash, so that what had different ids goes on to.
- What was hidden is said by kinds in `notes`, and counted.
"""

import hashlib
import logging
from array import array
from collections.abc import Mapping
from typing import TypeVar

import msgspec

from tracer import metrics
from tracer.ids import otel_span_id, otel_trace_id
from tracer.patterns import analyzer
from tracer.patterns.bodies import Kept, hidden_body
from tracer.patterns.custom import finders
from tracer.patterns.kinds import PII, PRESIDIO, Finder, built_in
from tracer.patterns.search import Search
from tracer.records import Body, Chunks, Exchange, Headers, TraceContext
from tracer.signals import AppSpan, Feedback

_log = logging.getLogger(__name__)

S = TypeVar("S", bound=Feedback | AppSpan)
NOT_KEPT = "redaction failed: content not kept"
_IDS = frozenset({"trace_id", "parent_id", "group_id", "id", "application_interaction_id", "application_variant_id"})
_NONE: "array[int]" = array("I")
_HARMLESS = frozenset({"content-type", "content-length"})


class Redactor:
    """Hides kinds in records."""

    def __init__(self, kinds: Mapping[str, Finder]) -> None:
        self._kinds = dict(kinds)

    def exchange(self, exchange: Exchange) -> Exchange:
        """The exchange without anything of these kinds, and a note of what there was."""
        search = Search(self._kinds)
        try:
            clean = _clean(search, exchange)
        except Exception as error:
            # Whatever it was, the unsearched content must not pass, nor this record take others with it.
            _log.exception("call %s could not be redacted: its content is not kept", exchange.call_id)
            metrics.redaction_failures.labels(type(error).__name__).inc()
            return _bare(exchange)
        _count(search)
        return clean

    def signal(self, record: S) -> S:
        """The same for what came by the API."""
        search = Search(self._kinds)
        try:
            clean = {name: _clean_field(search, name, getattr(record, name)) for name in record.__struct_fields__}
        except Exception as error:
            _log.exception("a %s could not be redacted: its content is not kept", type(record).__name__)
            metrics.redaction_failures.labels(type(error).__name__).inc()
            clean = {name: _emptied(name, getattr(record, name)) for name in record.__struct_fields__}
        else:
            _count(search)
        return msgspec.structs.replace(record, **clean)


def redactor_of(kinds: tuple[str, ...], expressions: Mapping[str, str]) -> Redactor | None:
    """By settings; None if there is nothing to hide."""
    found = {**built_in(kinds), **finders(expressions)}
    if PRESIDIO in kinds:
        found[PII] = analyzer.finder()
    return Redactor(found) if found else None


def _count(search: Search) -> None:
    for kind, count in search.found.items():
        metrics.redacted.labels(kind).inc(count)


def _clean(search: Search, exchange: Exchange) -> Exchange:
    request = hidden_body(search, exchange.request, _NONE, exchange.request_headers)
    original = hidden_body(search, exchange.original, _NONE, exchange.request_headers)
    lengths = array("I", exchange.chunks.length)
    response = hidden_body(search, exchange.response, lengths, exchange.response_headers)
    clean = msgspec.structs.replace(
        exchange,
        request=request.body,
        original=original.body,
        response=response.body,
        chunks=Chunks(exchange.chunks.at_ns, response.lengths.tobytes()),
        request_headers=_clean_headers(search, request.headers),
        response_headers=_clean_headers(search, response.headers),
        trace=_clean_trace(search, exchange.trace),
        path=search.hidden(exchange.path, percents=True),
        client=search.hidden(exchange.client),
        error_message=search.hidden(exchange.error_message),
        notes=tuple(map(search.hidden, exchange.notes)),
    )
    notes = _notes(search, request, original, response)
    return msgspec.structs.replace(clean, notes=(*clean.notes, *notes)) if notes else clean


def _notes(search: Search, *bodies: Kept) -> list[str]:
    said = [f"content not kept: {body.lost}" for body in bodies if body.lost]
    if search.found:
        said.append("redacted: " + ", ".join(f"{kind} {count}" for kind, count in sorted(search.found.items())))
    return list(dict.fromkeys(said))


def _clean_trace(search: Search, trace: TraceContext) -> TraceContext:
    trace_id, span_id, parent_id = (_clean_id(search, each) for each in (trace.trace_id, trace.span_id, trace.parent_span_id))
    clean = msgspec.structs.replace(
        trace,
        span_name=search.hidden(trace.span_name),
        metadata=_clean_texts_of(search, trace.metadata),
    )
    if (trace_id, span_id, parent_id) == (trace.trace_id, trace.span_id, trace.parent_span_id):
        return clean
    return msgspec.structs.replace(
        clean,
        trace_id=trace_id,
        span_id=span_id,
        parent_span_id=parent_id,
        otel_trace_id=trace.otel_trace_id if trace_id == trace.trace_id else otel_trace_id(trace_id),
        otel_span_id=trace.otel_span_id if span_id == trace.span_id else otel_span_id(span_id),
        otel_parent_span_id=trace.otel_parent_span_id if parent_id == trace.parent_span_id else otel_span_id(parent_id),
    )


def _clean_headers(search: Search, headers: Headers) -> Headers:
    return tuple((name, search.hidden(text)) for name, text in headers)


def _clean_id(search: Search, text: str) -> str:
    clean = search.hidden(text)
    return text if clean == text else f"{clean}~{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:8]}"


def _clean_texts_of(search: Search, texts: Mapping[str, str]) -> dict[str, str]:
    return {search.hidden(key): search.hidden(text) for key, text in texts.items()}


def _clean_field(search: Search, name: str, value: object) -> object:
    if isinstance(value, str):
        return _clean_id(search, value) if name in _IDS else search.hidden(value)
    return _clean_texts_of(search, value) if isinstance(value, dict) else value


def _emptied(name: str, value: object) -> object:
    """What is left of a field that may hold anything: an id as a hash, and no other text."""
    if isinstance(value, str) and value:
        return hashlib.sha256(value.encode("utf-8", "replace")).hexdigest()[:32] if name in _IDS else ""
    return {} if isinstance(value, dict) else value


def _bare(exchange: Exchange) -> Exchange:
    """What may be kept of an exchange that nobody could search: who was asked, when, how long, how it ended."""
    trace = exchange.trace
    return msgspec.structs.replace(
        exchange,
        trace=TraceContext(
            trace_id=trace.otel_trace_id,
            span_id=trace.otel_span_id,
            otel_trace_id=trace.otel_trace_id,
            otel_span_id=trace.otel_span_id,
            parent_span_id=trace.otel_parent_span_id,
            otel_parent_span_id=trace.otel_parent_span_id,
            sampled=trace.sampled,
        ),
        path=exchange.path.partition("?")[0],
        client="",
        error_message="",
        request_headers=_bare_headers(exchange.request_headers),
        response_headers=_bare_headers(exchange.response_headers),
        request=_bare_body(exchange.request),
        original=_bare_body(exchange.original),
        response=_bare_body(exchange.response),
        chunks=Chunks(exchange.chunks.at_ns, bytes(len(exchange.chunks.length))),
        notes=(NOT_KEPT,),
    )


def _bare_headers(headers: Headers) -> Headers:
    return tuple(header for header in headers if header[0] in _HARMLESS)


def _bare_body(body: Body) -> Body:
    return Body(size=body.size, truncated=body.size > 0)
