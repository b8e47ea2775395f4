"""An application's own spans, by Scale's tracing client, and its calls to the model: one trace in SQL, on screen, over OTLP."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.asked import ASKED
from tests.e2e.stack import Stack, wait_for_spans

pytestmark = pytest.mark.slow

_APP = Path(__file__).with_name("traced_app.py")


def run(stack: Stack) -> dict[str, Any]:
    """The application, run to its end; the ids that it used."""
    made = subprocess.run(
        [sys.executable, "-W", "ignore", _APP, stack.origin, ASKED["model"]],
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    ids: dict[str, Any] = json.loads(made.stdout)
    return ids


def test_spans_and_calls_are_one_tree(spans_and_stack: tuple[Path, Stack]) -> None:
    """The client sends each span when it starts and when it ends; of both, the ended one is kept."""
    spans, stack = spans_and_stack
    ids = run(stack)
    trace = f"trace_id = '{ids['trace']}'"
    by_scale, by_openai, streaming = ids["spans"]
    calls = stack.wait_for_calls(2, trace)
    kept = stack.wait_for_rows(5, f"SELECT * FROM llm.spans FINAL WHERE {trace} ORDER BY started_at")

    assert [(row["name"], row["type"], row["status"]) for row in kept] == [
        ("support", "TRACER", "SUCCESS"),
        ("by Scale", "COMPLETION", "SUCCESS"),
        ("by OpenAI", "STANDALONE", "SUCCESS"),
        ("streaming", "STANDALONE", "SUCCESS"),
        ("broken", "STANDALONE", "ERROR"),
    ]
    assert [row["parent_span_id"] for row in kept] == ["", ids["root"], ids["root"], by_openai, ids["root"]]
    assert {row["account"] for row in kept} == {"acct-7"}
    assert all(row["duration_ms"] is not None for row in kept)
    assert json.loads(kept[0]["metadata"]) == {"team": "blue"}
    assert json.loads(kept[4]["metadata"])["error_message"] == "the tool does not answer"
    assert [(row["parent_span_id"], row["door"]) for row in calls] == [(by_scale, "scale"), (streaming, "openai")]

    tree = stack.command("trace", ids["trace"]).splitlines()
    assert [line.strip("│├└─ ").partition("  ")[0] for line in tree[1:]] == [
        "support",
        "by Scale",
        "the call",
        "by OpenAI",
        "streaming",
        "the call",
        "broken",
    ]
    assert sum("$0.0000" in line for line in tree) == 3  # of each call and of both: lines are not cut where no terminal is

    view = f"SELECT SpanId, ParentSpanId, SpanKind FROM llm.otel_traces WHERE TraceId = '{calls[0]['otel_trace_id']}'"
    above = {row["SpanId"]: row["ParentSpanId"] for row in stack.wait_for_rows(7, view)}
    root = kept[0]["otel_span_id"]
    assert above[root] == ""
    assert above[calls[0]["otel_span_id"]] == kept[1]["otel_span_id"]
    assert above[calls[1]["otel_span_id"]] == kept[3]["otel_span_id"]
    assert set(above.values()) - set(above) == {""}  # nobody's parent is missing
    printed = wait_for_spans(spans, list(above))
    assert printed.count(f"Trace ID       : {calls[0]['otel_trace_id']}") == 7


def test_what_spans_hold_is_kept_and_their_sender_s_key_is_not(stack: Stack) -> None:
    ids = run(stack)
    kept = stack.wait_for_rows(5, f"SELECT span_id FROM llm.spans FINAL WHERE trace_id = '{ids['trace']}'")
    assert len(kept) == 5
    sql = f"SELECT input, output FROM llm.span_bodies FINAL WHERE span_id = '{ids['spans'][0]}'"
    (body,) = stack.wait_for_rows(1, sql)
    assert json.loads(body["input"]) == {"question": "fruits?"}
    assert json.loads(body["output"])["answer"]
    data = Path(stack.environ["TRACER_DATA_DIR"])
    assert not [f for f in data.rglob("*") if f.is_file() and b"sgp-canary-of-the-app" in f.read_bytes()]
