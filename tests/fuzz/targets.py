"""What is fuzzed: each target takes any bytes and holds what its parser promises. A target that raises is a finding.

The first bytes of the input choose how the rest is cut, so a corpus found with coverage keeps both.
"""

import json
import re
import zlib
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import orjson
from multidict import CIMultiDict

from tests.attacks.stored import stored
from tests.fuzz.exchanges import CODINGS, ID, MEDIA, exchange_of
from tests.fuzz.redaction import redactions
from tracer import eventstream, framing, jsonstream, sse
from tracer.blank.damaged import blank_damaged
from tracer.blank.document import blank_json
from tracer.blank.stream import StreamBlanker
from tracer.framing import Framing
from tracer.inflate import inflate
from tracer.proxy.context import trace_context
from tracer.proxy.portkey_config import read_config, time_limit_s
from tracer.proxy.stream_usage import UsageFilter, with_usage_requested
from tracer.sink import body as sink_body
from tracer.sink import price
from tracer.sink.decode import decode
from tracer.sink.stream import read_stream
from tracer.spool import segment

Target = Callable[[bytes], None]
# Small, so that the rule for what is too long is met by short inputs.
LIMIT = 300


class Feeding(Protocol):
    def feed(self, chunk: bytes, /) -> Any: ...


def pieces(data: bytes) -> tuple[bytes, list[bytes]]:
    """The input without its first byte, whole and cut as that byte says."""
    step, rest = (data[0] % 61 + 1, data[1:]) if data else (1, b"")
    return rest, [rest[at : at + step] for at in range(0, len(rest), step)]


def fed(parser: Feeding, chunks: Sequence[bytes]) -> list[Any]:
    return [found for chunk in chunks for found in parser.feed(chunk)]


def same_however_cut(make: Callable[[], Any], data: bytes) -> None:
    whole, cut = pieces(data)
    one, other = make(), make()
    first, second = fed(one, [whole]), fed(other, cut)
    if hasattr(one, "close"):
        first, second = [*first, one.close()], [*second, other.close()]
    assert first == second
    assert all(getattr(found, "end", 0) <= len(whole) for found in first)


def sse_events(data: bytes) -> None:
    for loose in (False, True):
        same_however_cut(lambda loose=loose: sse.Decoder(LIMIT, loose=loose), data)


def eventstream_messages(data: bytes) -> None:
    same_however_cut(lambda: eventstream.Decoder(LIMIT), data)
    data = _with_checksums(data)
    for message in eventstream.Decoder().feed(data):
        if isinstance(message, eventstream.Message):
            eventstream.document(message)


def _with_checksums(data: bytes) -> bytes:
    """A message that is whole by its checksums, with headers and payload of any bytes: chance would never find one."""
    split = 1 + data[0] if data else 0
    headers, payload = data[1:split], data[split:]
    start = (16 + len(headers) + len(payload)).to_bytes(4, "big") + len(headers).to_bytes(4, "big")
    message = start + zlib.crc32(start).to_bytes(4, "big") + headers + payload
    return message + zlib.crc32(message).to_bytes(4, "big")


def jsonstream_pieces(data: bytes) -> None:
    same_however_cut(lambda: jsonstream.Lines(LIMIT), data)
    same_however_cut(lambda: jsonstream.Elements(LIMIT), data)


def framings(data: bytes) -> None:
    for media in MEDIA:
        framing.framing_of(media, data)
    for kind in Framing:
        start = framing.beginning(kind, data)
        assert start is None or 0 <= start <= len(data)


def blanks(data: bytes) -> None:
    """What is blanked once stays as it is; a stream is blanked the same however it is cut."""
    once = blank_json(data)
    assert blank_json(once) == once
    assert blank_damaged(data, data[len(data) // 2 :]) is not None
    whole, cut = pieces(data)
    for kind in Framing:
        one, other = StreamBlanker(kind), StreamBlanker(kind)
        assert one.feed(whole) + one.close() == b"".join(map(other.feed, cut)) + other.close()


def inflating(data: bytes) -> None:
    coding = CODINGS[data[0] % len(CODINGS)] if data else ""
    whole, cut = pieces(data[1:])
    for chunks in ([whole], cut):
        found = inflate(chunks, coding, 1 << 16)
        assert found is None or (len(found.data) <= 1 << 16 and sum(found.lengths) == len(found.data))


def contexts(data: bytes) -> None:
    """Ids and metadata of any header bytes can be stored and said again."""
    names = ["traceparent", "x-portkey-metadata", "baggage", "x-portkey-trace-id", "x-portkey-span-id", "x-portkey-span-name"]
    values = [value.decode("utf-8", "surrogateescape") for value in data.split(b"\n")]
    headers = CIMultiDict(zip(names, values, strict=False))
    found = trace_context(headers, "POST", "/v1/x", ID, lambda: "t", lambda: "0" * 16)
    assert found.trace_id
    assert re.fullmatch(r"[0-9a-f]{32}", found.otel_trace_id)
    assert re.fullmatch(r"[0-9a-f]{16}", found.otel_span_id)
    for said in (found.trace_id, found.span_id, found.span_name, *found.metadata, *found.metadata.values()):
        said.encode()


def configs(data: bytes) -> None:
    sent = data.decode("utf-8", "surrogateescape")
    config = read_config(sent, {}, "")
    limit = time_limit_s(sent, config)
    assert limit is None or limit > 0
    orjson.dumps(list(config.ignored))


def usage_filter(data: bytes) -> None:
    whole, cut = pieces(data)
    one, other = UsageFilter(), UsageFilter()
    kept = one.feed(whole) + one.close()
    assert kept == b"".join(map(other.feed, cut)) + other.close()
    assert len(kept) <= len(whole)
    left = iter(whole)
    assert all(byte in left for byte in kept)  # something taken out, nothing put in or moved


def usage_requested(data: bytes) -> None:
    try:
        parsed = json.loads(data)
    except (ValueError, RecursionError):
        return
    changed = with_usage_requested(data, parsed)
    if changed is not None:
        now = orjson.loads(changed)
        assert now["stream_options"].pop("include_usage") is True
        before = orjson.loads(data)
        before.setdefault("stream_options", {})
        assert now == before


def sink_bodies(data: bytes) -> None:
    exchange = exchange_of(data)
    found = sink_body.plain(exchange.response, exchange.response_headers)
    media = sink_body.media_type(exchange.response_headers)
    sink_body.text(exchange.response, found, media).encode()
    stream = read_stream(found, media)
    assert len(stream.ends) == len(stream.documents)
    assert stream.ends == sorted(stream.ends)
    # A comment in front changes nothing but where events stand, and keeps the reader from any short cut.
    plain = sink_body.Plain(data)
    usual, other = read_stream(plain), read_stream(sink_body.Plain(b":\r\n" + data))
    if not data.startswith(b"\xef\xbb\xbf"):
        assert (usual.documents, usual.ends, usual.done) == (other.documents, [end - 3 for end in other.ends], other.done)


def calls(data: bytes) -> None:
    """Whatever a provider and a caller said becomes a row that every backend can take."""
    stored(decode(exchange_of(data), _PRICES))


def segments(data: bytes) -> None:
    """Damage is passed over: what was written intact is found, whatever stands around it."""
    for final in (False, True):
        found = segment.parse(data, 0, max_records=1000, final=final)
        assert found.end <= len(data)
        assert all(record.end <= len(data) for record in found.records)
    segment.count(data)
    segment.needed(data)
    mine = zlib.crc32(data).to_bytes(4, "big") * 3
    around = segment.parse(data + segment.frame(mine, 1) + data, 0, max_records=1000, final=True)
    assert [record for record in around.records if record.payload == mine] or segment.MAGIC[:3] in data


_PRICES = price.load(None)

TARGETS: dict[str, Target] = {
    "sse": sse_events,
    "eventstream": eventstream_messages,
    "jsonstream": jsonstream_pieces,
    "framing": framings,
    "blank": blanks,
    "inflate": inflating,
    "context": contexts,
    "config": configs,
    "usage_filter": usage_filter,
    "usage_requested": usage_requested,
    "sink_body": sink_bodies,
    "decode": calls,
    "segment": segments,
    "redaction": redactions,
}
