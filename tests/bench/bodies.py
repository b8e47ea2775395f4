"""Exchanges for the sink's benchmarks: bodies, and calls without end that have them in turn.

Two sources
- `recorded`: every exchange of the recorded corpus once, in an order of its own (a shuffle that is always the same), so that
  providers, plain answers and streams are mixed as they were recorded. The corpus lies beside this repository or nowhere.
- `scripted`: what the scripted provider says, plain and streamed in turn. Anybody has it.

Headers, times and ids are made here in both cases: the corpus has none.
"""

import array
import random
import time
from collections.abc import Iterator, Sequence

import msgspec

from tests.provider import Request
from tests.provider.openai import answer
from tests.provider.replies import Reply
from tests.sink.exchanges import CORPUS, corpus, replay
from tracer import ids
from tracer.records import Body, Chunks, Exchange, TraceContext

WORDS = 40
CHUNK_GAP_NS = 11_000_000
USERS = 50
_AGENT = ("User-Agent", "OpenAI/Python 3.54.0")


def bodies(source: str) -> tuple[str, Sequence[Exchange]]:
    """What these bodies are, in words, and an exchange of each. `source`: recorded, scripted, or either."""
    if source == "either":
        source = "recorded" if CORPUS.exists() else "scripted"
    if source == "recorded":
        found = [_recorded(number) for number in range(len(corpus()))]
        random.Random(7).shuffle(found)
    else:
        found = [_scripted(stream=False), _scripted(stream=True)]
    streams = sum("event" in dict(each.response_headers)["Content-Type"] for each in found) / len(found)
    size = sum(each.request.size + each.response.size for each in found) / len(found)
    return f"bodies {source}: {len(found)}, {streams:.0%} streams, {size / 1000:.1f} kB a call", found


def calls(count: int, found: Sequence[Exchange], since_ns: int = 0, gap_ns: int = 0) -> Iterator[Exchange]:
    """`count` calls, each of a trace of its own, with these bodies in turn; from now on as they come, or in equal steps."""
    for number in range(count):
        at = since_ns + number * gap_ns if since_ns else time.time_ns()
        call_id = ids.uuid7(at, number * 0x9E3779B97F4A7C15F39CC060 % (1 << 80))
        trace_id, span_id = str(call_id), call_id.hex[-16:]
        trace = TraceContext(
            trace_id=trace_id,
            span_id=span_id,
            otel_trace_id=ids.otel_trace_id(trace_id),
            otel_span_id=ids.otel_span_id(span_id),
            metadata={"_user": f"user-{number % USERS}", "environment": "bench"},
        )
        yield msgspec.structs.replace(found[number % len(found)], call_id=call_id, started_ns=at, trace=trace)


def _recorded(number: int) -> Exchange:
    found = replay(corpus()[number])
    media = dict(found.response_headers)["content-type"]
    return msgspec.structs.replace(
        found,
        client=_AGENT[1],
        key_hash="0123456789abcdef",
        request_headers=(("Content-Type", "application/json"), _AGENT),
        response_headers=(("Content-Type", media), ("x-request-id", f"req_{number:x}")),
    )


def _scripted(stream: bool) -> Exchange:
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
        client=_AGENT[1],
        key_hash="0123456789abcdef",
        request_headers=(("Content-Type", "application/json"), _AGENT),
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
