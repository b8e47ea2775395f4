"""What belongs to calls but is not in their rows: agents' own spans, feedback, and what was said in the newest calls."""

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tests.traffic import arrow, streams

AGENT, ASKED_FOR_OPINION = "research-agent", "support-chat"
_GIVEN = 0.04  # share of the traces that somebody judged
# How often a judgement is a good one, by prompt version: version 3 is liked, version 4 is not.
_LIKED = {"1": 0.72, "2": 0.75, "3": 0.86, "4": 0.58}
_TOOLS = ("search", "open_page", "calculator")
_WORDS = (
    "the",
    "refund",
    "takes",
    "five",
    "working",
    "days",
    "and",
    "your",
    "invoice",
    "is",
    "below",
    "please",
    "let",
    "us",
    "know",
)
_MOST_WORDS = 1500
_ONE_CHUNK_MS = 0.05  # what comes within less is one piece
_ENDED = 1 << 63  # as in tracer/signals.py: an ended span wins


def of_day(rng: np.random.Generator, calls: pa.Table, latest_us: int, said: int) -> dict[str, pa.Table]:
    """The tables beside `llm.calls` for one day's calls, in the order of traces; with the `said` newest bodies."""
    made = spans(calls)
    tables = {"llm.spans": made, "llm.feedback": feedback(rng, calls, latest_us)}
    if said:
        tables |= {"llm.bodies": bodies(calls, said), "llm.span_bodies": span_bodies(made)}
    return tables


def _us(table: pa.Table, name: str) -> NDArray[np.int64]:
    found: NDArray[np.int64] = table[name].cast(pa.timestamp("us")).cast(pa.int64()).to_numpy()
    return found


def _moments(us: NDArray[np.int64]) -> Any:
    return pa.array(us).cast(pa.timestamp("us", "UTC"))


def spans(calls: pa.Table) -> pa.Table:
    """Of every agent's trace a root, and a tool's span between two calls. `calls` are one day's, in the order of traces."""
    rows = calls.filter(pc.equal(calls["span_name"], AGENT))
    trace = rows["otel_trace_id"].to_numpy()
    start = _us(rows, "started_at")
    end = start + np.round(rows["duration_ms"].to_numpy() * 1000).astype(np.int64)
    first = np.flatnonzero(np.concatenate([[True], trace[1:] != trace[:-1]]))
    between = np.flatnonzero(trace[1:] == trace[:-1])
    between = between[start[between + 1] > end[between]]
    last_end = np.maximum.reduceat(end, first) if len(first) else end[:0]
    roots = len(first)
    of = np.concatenate([first, between])
    root_id = rows["otel_parent_span_id"].to_numpy()[of].astype("S16")
    made = np.concatenate([root_id[:roots], rows["otel_span_id"].to_numpy()[between].astype("S12")])
    ids = np.where(np.arange(len(of)) < roots, made, np.char.add(made, b"tool"))
    hexed = np.where(np.arange(len(of)) < roots, made, np.char.add(made.astype("S12"), b"0000"))
    starts = np.concatenate([start[first], end[between]])
    ends = np.concatenate([last_end + 800, start[between + 1]])
    failed = (starts % 41 == 0) & (np.arange(len(of)) >= roots)
    names = np.concatenate([np.zeros(roots, int), 1 + starts[roots:] % len(_TOOLS)])
    none = np.zeros(len(of), int)
    return pa.table(
        {
            "trace_id": rows["trace_id"].take(pa.array(of)),
            "span_id": arrow.texts(np.where(names == 0, made, hexed)),
            "parent_span_id": arrow.texts(np.where(names == 0, b"", root_id)),
            "otel_trace_id": rows["otel_trace_id"].take(pa.array(of)),
            "otel_span_id": arrow.texts(np.where(names == 0, made, hexed)),
            "otel_parent_span_id": arrow.texts(np.where(names == 0, b"", root_id)),
            "group_id": arrow.texts(np.where(ids == b"", b"", b"")),
            "name": arrow.coded(names, (AGENT, *_TOOLS)),
            "type": arrow.coded((names > 0).astype(int), ("TRACER", "CUSTOM")),
            "status": arrow.coded(failed.astype(int), ("SUCCESS", "ERROR")),
            "started_at": _moments(starts),
            "ended_at": _moments(ends),
            "duration_ms": pa.array((ends - starts) / 1000),
            "metadata": arrow.coded(failed.astype(int), ("{}", '{"error_type":"ToolError","error_message":"no such page"}')),
            "key_id": arrow.coded(none, ("key_research",)),
            "received_at": _moments(ends + 2_000_000),
            "version": pa.array((ends.astype(np.uint64) * 1000) + np.uint64(_ENDED)),
        }
    )


def span_bodies(made: pa.Table) -> pa.Table:
    """What those spans hold."""
    names = made["name"].to_pylist()
    return pa.table(
        {
            **{name: made[name] for name in ("trace_id", "span_id", "started_at", "version")},
            "input": pa.array(
                [f'{{"question":"what does {name} say about clause {n % 90}?"}}' for n, name in enumerate(names)]
            ),
            "output": pa.array([f'{{"found":{n % 7},"took":"{name}"}}' for n, name in enumerate(names)]),
        }
    )


def feedback(rng: np.random.Generator, calls: pa.Table, latest_us: int) -> pa.Table:
    """Judgements of some traces, some minutes after them but not after `latest_us`."""
    rows = calls.filter(pc.and_(pc.equal(calls["span_name"], ASKED_FOR_OPINION), pc.equal(calls["parent_span_id"], "")))
    rows = rows.filter(pc.equal(rows["attempt"], 0))
    rows = rows.take(pa.array(np.flatnonzero(rng.random(len(rows)) < _GIVEN)))
    count = len(rows)
    liked = np.array([_LIKED.get(version, 0.7) for version in rows["prompt_version"].to_pylist()])
    answered = np.isin(rows["outcome"].to_numpy().astype(str), ("ok", "cache_hit"))
    value = np.where((rng.random(count) < liked) & answered, 1.0, -1.0) * np.where(rng.random(count) < 0.3, 10, 5)
    created = np.minimum(_us(rows, "started_at") + rng.integers(10, 1800, count) * 1_000_000, latest_us)
    ids = arrow.dashed(arrow.hexadecimal(_uuid7(rng, created)))
    return pa.table(
        {
            "feedback_id": arrow.texts(ids),
            "created_at": _moments(created),
            "updated_at": _moments(created),
            "trace_id": rows["trace_id"],
            "otel_trace_id": rows["otel_trace_id"],
            "value": pa.array(value),
            "weight": pa.array(np.where(rng.random(count) < 0.1, 0.5, 1.0)),
            "metadata": arrow.maps(("by",), [rows["user"].to_numpy().astype(str)], [np.ones(count, bool)]),
            "key_id": rows["key_id"],
            "version": pa.array(created.astype(np.uint64) * 1000),
        }
    )


def _uuid7(rng: np.random.Generator, us: NDArray[np.int64]) -> NDArray[np.uint8]:
    raw = rng.integers(0, 256, (len(us), 16), np.uint8)
    raw[:, :6] = (us // 1000).astype(">u8").view(np.uint8).reshape(-1, 8)[:, 2:]
    raw[:, 6], raw[:, 8] = raw[:, 6] & 0x0F | 0x70, raw[:, 8] & 0x3F | 0x80
    return raw


def bodies(calls: pa.Table, count: int) -> pa.Table:
    """What was said in the newest `count` of `calls`."""
    newest = calls.take(pc.sort_indices(calls, [("started_at", "descending")])[:count])
    said = [_said(row) for row in newest.to_pylist()]
    columns = {name: pa.array([each[name] for each in said], _BODY_TYPES[name]) for name in _BODY_TYPES}
    return pa.table({"call_id": newest["call_id"], "started_at": newest["started_at"], **columns})


_HEADERS = pa.map_(pa.string(), pa.string())
_BODY_TYPES = {
    "request_headers": _HEADERS,
    "request_body": pa.string(),
    "response_headers": _HEADERS,
    "response_body": pa.string(),
    "assembled": pa.string(),
    "chunk_at_us": pa.list_(pa.uint64()),
    "chunk_bytes": pa.list_(pa.uint32()),
}


def _said(row: dict[str, Any]) -> dict[str, Any]:
    embeds = row["operation"] == "embeddings"
    question = f"Customer {row['user'] or 'unknown'} asks: when does my refund arrive? (order {row['span_id'][:6]})"
    asked: dict[str, Any] = {"model": row["request_model"]}
    asked |= {"input": [question]} if embeds else {"messages": _messages(row, question), "stream": row["stream"]}
    if row["tools"]:
        asked["tools"] = [{"type": "function", "function": {"name": name, "parameters": {}}} for name in row["tools"]]
    whole = _answer(row)
    text = json.dumps(whole) if whole else ""
    streamed = bool(whole) and row["stream"] and row["outcome"] != "cache_hit"
    events = _events(row, whole) if streamed else []
    at_us, lengths = _arrivals(row, events)
    return {
        "request_headers": {"content-type": "application/json", "user-agent": row["client"]},
        "request_body": json.dumps(asked),
        "response_headers": {
            "content-type": "text/event-stream" if streamed else "application/json",
            "x-request-id": f"req_{row['span_id']}",
        },
        "response_body": "".join(events) if streamed else text,
        "assembled": text if streamed else "",
        "chunk_at_us": at_us,
        "chunk_bytes": lengths,
    }


def _messages(row: dict[str, Any], question: str) -> list[dict[str, Any]]:
    messages = [
        {"role": "system", "content": "You are a helpful assistant. Answer in the customer's language."},
        {"role": "user", "content": question},
    ]
    if row["parent_span_id"] and row["tools"]:
        arguments = json.dumps({"query": "refund policy"})
        call = {"id": "call_1", "type": "function", "function": {"name": row["tools"][0], "arguments": arguments}}
        messages.append({"role": "assistant", "content": None, "tool_calls": [call]})  # type: ignore[dict-item]
        messages.append({"role": "tool", "content": "Refunds take five working days.", "tool_call_id": "call_1"})
    return messages


def _words(row: dict[str, Any]) -> list[str]:
    return [
        _WORDS[(number + row["request_bytes"]) % len(_WORDS)] + " "
        for number in range(min(row["text_output_tokens"] or 0, _MOST_WORDS))
    ]


def _usage(row: dict[str, Any]) -> dict[str, Any]:
    usage: dict[str, Any] = json.loads(row["usage_raw"] or "{}")
    return usage


def _answer(row: dict[str, Any]) -> dict[str, Any]:
    if row["error_type"] and row["outcome"] != "stream_error":
        return {"error": {"message": row["error_message"], "type": row["error_type"], "code": row["error_type"]}}
    if row["operation"] == "embeddings":
        return {
            "object": "list",
            "model": row["response_model"],
            "data": [{"index": 0, "embedding": [0.01, -0.02]}],
            "usage": _usage(row),
        }
    if not row["finish_reasons"]:
        return {}
    message: dict[str, Any] = {"role": "assistant", "content": "".join(_words(row))}
    if row["finish_reasons"] == ["tool_calls"]:
        call = {"id": "call_7", "type": "function", "function": {"name": row["tools"][-1], "arguments": '{"query":"status"}'}}
        message |= {"content": None, "tool_calls": [call]}
    choice = {"index": 0, "message": message, "finish_reason": row["finish_reasons"][0]}
    frame = {"id": row["response_id"], "object": "chat.completion", "model": row["response_model"]}
    return {**frame, "system_fingerprint": row["system_fingerprint"] or None, "choices": [choice], "usage": _usage(row)}


def _events(row: dict[str, Any], whole: dict[str, Any]) -> list[str]:
    """As the provider sent them: the role, a word each, the end."""
    if "choices" not in whole:
        return []
    frame = {"id": whole["id"], "object": "chat.completion.chunk", "model": whole["model"]}

    def event(delta: dict[str, Any], **more: Any) -> str:
        reason = more.pop("finish_reason", None)
        return f"data: {json.dumps({**frame, 'choices': [{'index': 0, 'delta': delta, 'finish_reason': reason}], **more})}\n\n"

    events = [event({"role": "assistant"}), *(event({"content": word}) for word in _words(row))]
    end = event({}, finish_reason=row["finish_reasons"][0], usage=whole["usage"])
    return [*events, end + ("data: [DONE]\n\n" if row["outcome"] == "ok" else "")]


def _arrivals(row: dict[str, Any], events: list[str]) -> tuple[list[int], list[int]]:
    """When the pieces of that stream came, in microseconds, and how long they are: as the row's own times say."""
    if not events:
        return [], []
    gaps = streams.gaps_of(np.random.default_rng(int(row["span_id"], 16)), row["itl_digest"])
    words = row["ttft_ms"] + np.concatenate([[0.0], np.cumsum(gaps)])[: len(events) - 2]
    at_ms = np.concatenate([[row["ttfb_ms"]], words, [max(words[-1], row["ttft_ms"]) + 0.2]])
    begins = np.flatnonzero(np.diff(at_ms, prepend=-1.0) >= _ONE_CHUNK_MS)
    lengths = np.add.reduceat([len(event) for event in events], begins)
    return np.round(at_ms[begins] * 1000).astype(int).tolist(), lengths.tolist()
