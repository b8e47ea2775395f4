"""A call in flight: what forward.py notes while it works, and the Exchange that comes of it.

The note-taking half is mutable and cheap (one per request, on the event loop). `to_exchange` runs later on the spool's thread
and does what costs: hiding secrets, replacing media, bounding, blanking when content is not to be kept.
"""

from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import accumulate
from uuid import UUID

import msgspec

from tracer.blank import StreamBlanker, blank_json
from tracer.inflate import inflate
from tracer.proxy.media import replace_media_in_pieces
from tracer.proxy.tee import TAIL, Copy, Tee
from tracer.records import Body, Chunks, Exchange, Headers, Outcome, TraceContext

NO_COPY = Copy(b"", b"", 0, array("Q"), array("I"))


@dataclass(slots=True, eq=False)
class Flight:
    """Notes on one call. Times are nanoseconds since it was accepted, by the monotonic clock."""

    call_id: UUID
    started_ns: int
    clock: Callable[[], int]  # nanoseconds since the call was accepted
    trace: TraceContext
    door: str
    method: str
    path: str
    request_headers: Headers
    content: bool
    client: str = ""
    attempt: int = 0
    provider: str = ""
    upstream: str = ""
    key_hash: str = ""
    secrets: tuple[bytes, ...] = ()
    usage_requested: bool = False
    request: Tee | Copy = NO_COPY
    response: Tee | Copy = NO_COPY
    status: int = 0
    response_headers: Headers = ()
    outcome: Outcome | None = None
    error_type: str = ""
    error_message: str = ""
    request_end_ns: int = 0
    connect_ns: int = 0
    reused: bool = False  # the upstream connection had served before
    sent_ns: int = 0
    headers_ns: int = 0
    first_byte_ns: int = 0
    upstream_end_ns: int = 0
    client_gone_ns: int = 0
    end_ns: int = 0
    websocket: bool = False
    messages_up: int = 0
    messages_down: int = 0
    recorded: bool = field(default=False, init=False)
    body_error: Exception | None = field(default=None, init=False)  # why the request body could not be read to its end

    def end(self, outcome: Outcome, error_type: str = "", message: str = "") -> None:
        """Note how the call ended. The first word counts: what follows a failure is its consequence."""
        if self.outcome is None:
            self.outcome, self.error_type, self.error_message = outcome, error_type, message

    def client_left(self) -> None:
        self.client_gone_ns = self.client_gone_ns or self.clock()
        self.end(Outcome.CLIENT_GONE)

    @property
    def is_event_stream(self) -> bool:
        return _value(self.response_headers, "content-type").lower().startswith("text/event-stream")

    def added_ns(self) -> int:
        """Time that the proxy itself took: from having the request to sending it, and from the reply's end to ours."""
        before = max(0, self.sent_ns - self.request_end_ns - self.connect_ns)
        return before + max(0, self.end_ns - self.upstream_end_ns)


_encoder = msgspec.msgpack.Encoder()


def encode(flight: Flight, capture_bytes: int) -> bytes:
    """The spooled form of a finished flight."""
    return _encoder.encode(to_exchange(flight, capture_bytes))


def to_exchange(flight: Flight, capture_bytes: int) -> Exchange:
    """What may be kept of a finished flight; no secret of it, and at most `capture_bytes` of a body."""
    hide = _hider(flight.secrets)
    request, _ = _body(flight.request, flight.request_headers, flight.content, capture_bytes, hide)
    response, chunks = _body(flight.response, flight.response_headers, flight.content, capture_bytes, hide)
    return Exchange(
        call_id=flight.call_id,
        started_ns=flight.started_ns,
        trace=flight.trace,
        door=flight.door,
        provider=flight.provider,
        upstream=flight.upstream,
        method=flight.method,
        path=hide(flight.path.encode()).decode(),
        client=flight.client,
        attempt=flight.attempt,
        key_hash=flight.key_hash,
        content=flight.content,
        usage_requested_by_us=flight.usage_requested,
        request_headers=_plain(flight.request_headers, flight.content),
        request=request,
        status=flight.status,
        response_headers=_plain(flight.response_headers, flight.content),
        response=response,
        chunks=chunks,
        outcome=flight.outcome or Outcome.OK,
        error_type=flight.error_type,
        error_message=hide(flight.error_message.encode("utf-8", "replace")).decode("utf-8", "replace"),
        request_end_ns=flight.request_end_ns,
        connect_ns=flight.connect_ns,
        sent_ns=flight.sent_ns,
        headers_ns=flight.headers_ns,
        first_byte_ns=flight.first_byte_ns,
        upstream_end_ns=flight.upstream_end_ns,
        client_gone_ns=flight.client_gone_ns,
        end_ns=flight.end_ns,
        websocket=flight.websocket,
        messages_up=flight.messages_up,
        messages_down=flight.messages_down,
    )


def whole(body: bytes, at_ns: int) -> Copy:
    """The copy of a body that was read in one piece."""
    return Copy(body, b"", len(body), array("Q", (at_ns,)), array("I", (len(body),)))


def _copy(noted: Tee | Copy) -> Copy:
    return noted.copy() if isinstance(noted, Tee) else noted


def _plain(headers: Headers, keep: bool) -> Headers:
    """Headers that fit the kept body: a blanked one is no longer compressed."""
    return headers if keep else tuple((name, value) for name, value in headers if name != "content-encoding")


def _value(headers: Headers, name: str) -> str:
    return next((value for key, value in headers if key == name), "")


def _hider(secrets: tuple[bytes, ...]) -> Callable[[bytes], bytes]:
    """A function that overwrites the secrets of this call wherever they stand, length kept so that offsets stay true."""

    def hide(data: bytes) -> bytes:
        for secret in secrets:
            if secret in data:
                data = data.replace(secret, b"*" * len(secret))
        return data

    return hide


def _body(
    noted: Tee | Copy, headers: Headers, keep: bool, capture_bytes: int, hide: Callable[[bytes], bytes]
) -> tuple[Body, Chunks]:
    copy = _copy(noted)
    data, tail, lengths = hide(copy.head), hide(copy.tail), copy.length
    if not tail:  # media that lies across the hole between head and tail is no longer whole, and stays
        data, lengths = replace_media_in_pieces(data, lengths)
        data, tail, lengths = _bounded(data, lengths, capture_bytes)
    truncated = bool(tail) or copy.truncated
    if not keep:
        data, tail, lengths = _blanked(
            data, tail, lengths, _value(headers, "content-type"), _value(headers, "content-encoding")
        )
    return Body(data, tail, copy.size, truncated), Chunks(copy.at_ns.tobytes(), lengths.tobytes())


def _bounded(data: bytes, lengths: "array[int]", limit: int) -> tuple[bytes, bytes, "array[int]"]:
    """A body that was read whole, cut to the bound like one that passed the tee."""
    if len(data) <= limit:
        return data, b"", lengths
    tee = Tee(limit)
    tee.add(data[:limit], 0)
    tee.add(data[limit:], 0)
    cut = tee.copy()
    kept = array("I", bytes(4 * len(lengths)))
    if kept:
        kept[-1] = len(cut.head) + len(cut.tail)
    return cut.head, cut.tail[-TAIL:], kept


def _blanked(
    data: bytes, tail: bytes, lengths: "array[int]", content_type: str, content_encoding: str
) -> tuple[bytes, bytes, "array[int]"]:
    """The same body without its text: nothing of what was said may reach the disk."""
    pieces = _cut(data + tail, lengths)
    if content_encoding:
        plain = inflate(pieces, content_encoding)
        pieces = _cut(plain.data, array("I", plain.lengths)) if plain else []
    if content_type.startswith("text/event-stream"):
        blanker = StreamBlanker()
        blank = [blanker.feed(piece) for piece in pieces]
        if blank:
            blank[-1] += blanker.close()
    else:
        blank = [b""] * (len(pieces) - 1) + [blank_json(b"".join(pieces))] if pieces and not tail else []
    return b"".join(blank), b"", array("I", map(len, blank))


def _cut(data: bytes, lengths: "array[int]") -> list[bytes]:
    ends = list(accumulate(lengths))
    return [data[end - length : end] for end, length in zip(ends, lengths, strict=True)]
