"""The spool seen from outside: what waits for an exporter, when a batch is under way, and records put there ahead."""

import itertools
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import msgspec

from tests.faults import load
from tracer import ids
from tracer.records import Body, Exchange, TraceContext
from tracer.spool import logs, positions, reader, segment, spool_dir

AHEAD = "b"  # first letter of the trace ids of records put there ahead
NAMES = ("clickhouse", "otlp")


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


def has_begun(data: Path, name: str) -> bool:
    """Whether an exporter has acknowledged anything."""
    return any(positions.load(log, name).taken.segment for log in logs(data))


def exchanges(count: int) -> Iterator[Exchange]:
    """Calls as a worker would have noted them, one after the other until now, each with an id of its own."""
    asked, said = load.body("0" * 32, False), b'{"id":"x","model":"gpt-4o-mini","choices":[{"message":{"content":"a"}}]}'
    began = time.time_ns() - count * 1_000_000
    for number in range(count):
        token = f"{AHEAD}{number:031x}"
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


def put_ahead(data: Path, count: int, *, segment_bytes: int = 32 << 20, worker: str = "w9") -> Ahead:
    """Write a log of a worker that no longer runs. Closed segments only: the writer is gone."""
    log = spool_dir(data) / worker
    log.mkdir(parents=True, exist_ok=True)
    (log / "id").write_text(uuid4().hex)
    encode = msgspec.msgpack.Encoder().encode
    frames = (segment.frame(encode(exchange), time.time_ns()) for exchange in exchanges(count))
    written = 0
    for number in itertools.count(1):
        with segment.path(log, number).open("wb") as file:
            for frame in frames:
                file.write(frame)
                if file.tell() >= segment_bytes:
                    break
            written += file.tell()
            if file.tell() == 0:  # an empty one at the end, as of a writer that has just gone on
                return Ahead(count, written)
    raise AssertionError("unreachable: count has no end")
