"""CPU microseconds per call of the sink with both exporters, and of the embedded store that takes its rows.

    spool (written here) ─► sink ─┬─► embedded store
                                  └─► nginx that takes any OTLP batch

Half of the calls are plain, half are streams; bodies are the scripted provider's. The sink starts on an empty spool and is
left to settle, so its start is not counted; then the calls are written all at once, and counted when both exporters have
acknowledged the last one.
"""

import argparse
import array
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import astuple, dataclass
from pathlib import Path

import msgspec

from tests.bench import processes
from tests.ports import free_port
from tests.provider import Request
from tests.provider.openai import answer
from tests.provider.replies import Reply
from tracer import ids
from tracer.config import child_environ, environment
from tracer.records import Body, Chunks, Exchange, TraceContext
from tracer.spool import logs, positions, reader, spool_dir
from tracer.spool.writer import Writer

EXPORTERS = 2
# Appended before waiting for the disk: below the writer's bound for waiting records.
SLICE = 2000
WORDS = 40
CHUNK_GAP_NS = 11_000_000


@dataclass(frozen=True, slots=True)
class Round:
    sink_us: float
    store_us: float
    calls_per_s: float


def exchanges(count: int) -> Iterator[Exchange]:
    """`count` calls, plain and streamed in turn, each of a trace of its own."""
    plain, streamed = _template(stream=False), _template(stream=True)
    for number in range(count):
        now = time.time_ns()
        call_id = ids.uuid7(now, number * 0x9E3779B97F4A7C15 % (1 << 80))
        trace_id, span_id = str(call_id), call_id.hex[-16:]
        trace = TraceContext(
            trace_id=trace_id,
            span_id=span_id,
            otel_trace_id=ids.otel_trace_id(trace_id),
            otel_span_id=ids.otel_span_id(span_id),
            metadata={"_user": f"user-{number % 50}", "environment": "bench"},
        )
        template = streamed if number % 2 else plain
        yield msgspec.structs.replace(template, call_id=call_id, started_ns=now, trace=trace)


def _template(stream: bool) -> Exchange:
    asked = msgspec.json.encode(
        {
            "model": "gpt-4o-mini",
            "messages": [{"role": "user", "content": "What is the capital of France, and what is it known for?"}],
            "temperature": 0.2,
            "stream": stream,
            **({"stream_options": {"include_usage": True}} if stream else {}),
        }
    )
    headers = [("Content-Type", "application/json"), ("x-script-words", str(WORDS))]
    request = Request("POST", "/v1/chat/completions", "1.1", headers, connection=0, started=0.0)
    request.body += asked
    reply = answer(request)
    assert isinstance(reply, Reply)
    pieces = [step for step in reply.body() if isinstance(step, bytes)]
    if stream:  # without the chunk framing
        pieces = [piece.partition(b"\r\n")[2].removesuffix(b"\r\n") for piece in pieces[:-1]]
    body = b"".join(pieces)
    at = [300_000_000 + index * CHUNK_GAP_NS for index in range(len(pieces))]
    return Exchange(
        call_id=ids.uuid7(0, 0),
        started_ns=0,
        trace=TraceContext(trace_id="-", span_id="-", otel_trace_id="-", otel_span_id="-"),
        door="openai",
        provider="openai",
        upstream="api.openai.com",
        method="POST",
        path="/v1/chat/completions",
        client="OpenAI/Python 3.54.0",
        key_hash="0123456789abcdef",
        request_headers=(("Content-Type", "application/json"), ("User-Agent", "OpenAI/Python 3.54.0")),
        request=Body(head=asked, size=len(asked)),
        status=200,
        response_headers=(("Content-Type", "text/event-stream" if stream else "application/json"), ("x-request-id", "req_5c")),
        response=Body(head=body, size=len(body)),
        chunks=Chunks(array.array("Q", at).tobytes(), array.array("I", map(len, pieces)).tobytes()),
        request_end_ns=40_000,
        sent_ns=90_000,
        headers_ns=at[0] - 1000,
        first_byte_ns=at[0],
        upstream_end_ns=at[-1],
        end_ns=at[-1] + 20_000,
    )


def spool_calls(data_dir: Path, count: int) -> None:
    """Put `count` calls into the spool as a worker would."""
    writer = Writer[Exchange](
        spool_dir(data_dir) / "w0", msgspec.msgpack.encode, max_bytes=8 << 30, segment_bytes=32 << 20, gather_seconds=0
    )
    on_disk = threading.Event()
    for number, exchange in enumerate(exchanges(count), 1):
        if number % SLICE == 0 or number == count:
            on_disk.clear()
            writer.append(exchange, 4000, lambda _: on_disk.set())
            on_disk.wait()
        else:
            writer.append(exchange, 4000)
    writer.close()


def all_taken(data_dir: Path) -> bool:
    """Whether every exporter has acknowledged every record."""
    found = logs(data_dir)
    names = {path.name.removesuffix(".position") for log in found for path in log.glob("*.position")}
    if len(names) < EXPORTERS:
        return False
    return not any(reader.backlog(log, positions.load(log, name).taken).records for log in found for name in names)


@contextmanager
def started(place: Path) -> Iterator[tuple[Path, int, int]]:
    """Store, OTLP endpoint and sink; the data directory and the pids of sink and store."""
    otlp, store_port = free_port(), free_port()
    takes_all = (
        f"server {{ listen 127.0.0.1:{otlp}; client_max_body_size 0; "
        "location / { default_type application/x-protobuf; return 200; } }"
    )
    environ = environment(
        TRACER_DATA_DIR=str(place / "data"),
        TRACER_STORE_PORT=str(store_port),
        TRACER_CONFIG="/dev/null",
        TRACER_UI="false",
        OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{otlp}",
    )
    metrics = place / "data" / "metrics"
    metrics.mkdir(parents=True)
    environ["PROMETHEUS_MULTIPROC_DIR"] = child_environ(metrics, None)["PROMETHEUS_MULTIPROC_DIR"]
    child = [sys.executable, "-m", "tracer.child"]
    with ExitStack() as stack:
        stack.enter_context(processes.nginx(place / "otlp", takes_all, otlp))
        store = stack.enter_context(processes.running([*child, "store"], environ))
        processes.wait_for(lambda: processes.listens(store_port), store)
        sink = stack.enter_context(processes.running([*child, "sink"], environ))
        yield place / "data", sink.pid, store.pid


def bench(calls: int, rounds: int, place: Path) -> None:
    with started(place) as (data_dir, sink, store):
        spool_calls(data_dir, 2 * SLICE)  # opens connections, makes tables, loads what is loaded late
        _wait(lambda: all_taken(data_dir))
        found = []
        for number in range(1, rounds + 1):
            found.append(measure(data_dir, sink, store, calls))
            print(f"round {number}/{rounds}  {_line(found[-1])}", flush=True)
        median = Round(*(statistics.median(column) for column in zip(*map(astuple, found), strict=True)))
    print(f"\nmedians, {calls} calls a round, half of them streams, ClickHouse and OTLP\n  {_line(median)}")


def measure(data_dir: Path, sink: int, store: int, calls: int) -> Round:
    before = processes.cpu_seconds(sink), processes.cpu_seconds(store)
    started_at = time.monotonic()
    spool_calls(data_dir, calls)
    _wait(lambda: all_taken(data_dir))
    took = time.monotonic() - started_at
    after = processes.cpu_seconds(sink), processes.cpu_seconds(store)
    return Round((after[0] - before[0]) / calls * 1e6, (after[1] - before[1]) / calls * 1e6, calls / took)


def _line(done: Round) -> str:
    per_core = 1e6 / done.sink_us
    return (
        f"sink {done.sink_us:6.1f} µs CPU a call = {per_core:.0f} calls/s and core"
        f"   store {done.store_us:6.1f} µs   both on this machine {done.calls_per_s:.0f} calls/s"
    )


def _wait(true: Callable[[], bool], timeout_s: float = 300) -> None:
    deadline = time.monotonic() + timeout_s
    while not true():
        if time.monotonic() > deadline:
            sys.exit(f"the sink has not delivered everything within {timeout_s:.0f} s")
        time.sleep(0.05)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.sink", description=__doc__)
    parser.add_argument("--calls", type=int, default=20_000, help="in each round")
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    processes.require("nginx")
    with tempfile.TemporaryDirectory(prefix="tracer-bench-") as place:
        Path(place).chmod(0o755)
        bench(asked.calls, asked.rounds, Path(place))


if __name__ == "__main__":
    main()
