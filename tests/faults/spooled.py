"""The spool seen from outside: what waits for an exporter, when a batch is under way, and records put there ahead."""

import random
import string
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tests.faults import load
from tracer import ids
from tracer.records import Body, Exchange, TraceContext
from tracer.spool import logs, positions, reader, segment, spool_dir
from tracer.spool.segment import Place
from tracer.spool.writer import Writer

AHEAD = "b"  # first letter of the trace ids of records put there ahead
NAMES = ("clickhouse", "otlp")
_SIZE = 4096
_SAID = (
    b'{"id":"chatcmpl-%d","object":"chat.completion","model":"gpt-4o-mini-2024-07-18","choices":[{"index":0,"message":{"role":'
    b'"assistant","content":"%s"},"finish_reason":"stop"}],"usage":{"prompt_tokens":310,"completion_tokens":205,'
    b'"total_tokens":515},"system_fingerprint":"fp_1"}'
)


@dataclass(frozen=True, slots=True)
class Ahead:
    """Records that were put into the spool before Tracer started."""

    count: int
    bytes: int


def waiting(data: Path, name: str) -> int:
    """Records that an exporter has not acknowledged."""
    return sum(reader.backlog(log, positions.load(log, name).taken).records for log in logs(data))


def is_under_way(data: Path, name: str) -> bool:
    """Whether a batch has been cut for this exporter and is not acknowledged."""
    return any(positions.load(log, name).pending is not None for log in logs(data))


def is_past(data: Path, name: str, written_ns: int) -> bool:
    """Whether an exporter has acknowledged all that was written before this moment."""
    oldest = [reader.backlog(log, positions.load(log, name).taken).oldest_ns for log in logs(data)]
    return all(found is None or found > written_ns for found in oldest)


def taken(data: Path, name: str) -> list[Place]:
    """How far an exporter has come in each log."""
    return [positions.load(log, name).taken for log in logs(data)]


def has_begun(data: Path, name: str) -> bool:
    """Whether an exporter has acknowledged anything."""
    return any(positions.load(log, name).taken.segment for log in logs(data))


def exchanges(count: int) -> Iterator[Exchange]:
    """Calls as a worker would have noted them, one after the other until now, each with an id of its own; some 4 kB each."""
    words = random.Random(7).choices(string.ascii_lowercase, k=1 << 16)
    text = "".join(" " if number % 6 == 5 else word for number, word in enumerate(words))
    began = time.time_ns() - count * 1_000_000
    for number in range(count):
        token = f"{AHEAD}{number:031x}"
        at = number * 37 % (len(text) - 4096)
        asked = load.body(token, False).replace(b"France?", f"France? {text[at : at + 1800]}".encode())
        said = _SAID % (number, text[at : at + 1200].encode())
        yield Exchange(
            call_id=ids.uuid7(began + number * 1_000_000, random.getrandbits(80)),
            started_ns=began + number * 1_000_000,
            trace=TraceContext(trace_id=token, span_id=token[:16], otel_trace_id=token, otel_span_id=token[16:]),
            door="openai",
            provider="openai",
            upstream="127.0.0.1",
            method="POST",
            path="/v1/chat/completions",
            request=Body(head=asked, size=len(asked)),
            status=200,
            response=Body(head=said, size=len(said)),
            end_ns=5_000_000,
            upstream_end_ns=5_000_000,
        )


def put_ahead(data: Path, count: int, *, worker: str = "w9") -> Ahead:
    """The log of a worker that no longer runs, by the worker's own writer."""
    log = spool_dir(data) / worker
    writer: Writer[Exchange] = Writer(
        log, msgspec.msgpack.Encoder().encode, max_bytes=1 << 36, segment_bytes=64 << 20, gather_seconds=0.0
    )
    for exchange in exchanges(count):
        while not writer.append(exchange, _SIZE, at_once=True):
            time.sleep(0.01)
    writer.close()
    return Ahead(count, sum(segment.size(log, number) for number in segment.numbers(log)))
