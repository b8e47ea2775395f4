"""The main job, whole: unchanged SDKs, a real model, real processes, a real OTLP backend.

Nothing here is scripted: the model is SmolLM2 served by llama.cpp, so two equal questions with a fixed seed get equal answers
whether they pass through Tracer or not.
"""

import http.client
import json
import re
from decimal import Decimal
from pathlib import Path

import openai
import pytest
from portkey_ai._vendor import openai as vendored

from tests.e2e.asked import ASKED, MESSAGES
from tests.e2e.portkey import portkey
from tests.e2e.stack import Stack, wait_for_spans

pytestmark = pytest.mark.slow

# What differs from run to run of the model itself. (llama.cpp puts its timings into the usage chunk if there is one, and into
# the last ordinary chunk otherwise: those of a stream that Tracer asked for usage go with the chunk.)
VOLATILE = re.compile(rb',?"(?:id|created|timings|__verbose)":(?:"[^"]*"|\d+|\{[^{}]*\})')


def raw(port: int, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, list[tuple[str, str]], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("POST", path, body, {"Content-Type": "application/json", **headers})
    reply = connection.getresponse()
    got = reply.status, reply.getheaders(), reply.read()
    connection.close()
    return got


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("wrong", [False, True])
def test_same_bytes_as_without_tracer(stack: Stack, model_port: int, stream: bool, wrong: bool) -> None:
    asked = {**ASKED, "stream": stream, "cache_prompt": False, **({"temperature": "hot"} if wrong else {})}
    body = json.dumps(asked).encode()
    status, headers, got = raw(stack.port, "/v1/chat/completions", body, {})
    direct_status, direct_headers, expected = raw(model_port, "/v1/chat/completions", body, {})
    assert status == direct_status == (400 if wrong else 200)
    assert VOLATILE.sub(b"", got) == VOLATILE.sub(b"", expected)
    added = {"x-portkey-trace-id", "x-portkey-cache-status", "x-tracer-call-id"}
    hop_by_hop = {"keep-alive", "connection", "transfer-encoding"}
    assert {n.lower() for n, _ in headers} - added - hop_by_hop == {n.lower() for n, _ in direct_headers} - hop_by_hop


def test_openai_sdk_leaves_priced_rows_and_spans_with_the_same_ids(spans_and_stack: tuple[Path, Stack]) -> None:
    spans, stack = spans_and_stack
    with openai.OpenAI(base_url=stack.url, api_key="sk-canary-of-the-e2e-test", max_retries=0) as client:
        parent = {"x-portkey-trace-id": "e2e-openai", "x-portkey-span-id": "root", "x-portkey-span-name": "plan"}
        child = {"x-portkey-trace-id": "e2e-openai", "x-portkey-parent-span-id": "root", "x-portkey-metadata": '{"team":"x"}'}
        plain = client.chat.completions.create(**ASKED, user="ada", extra_headers=parent)
        pieces = list(client.chat.completions.create(**ASKED, stream=True, extra_headers=child))
        assert all(piece.choices for piece in pieces)  # the usage that Tracer asked for is not there
        with pytest.raises(openai.BadRequestError):
            client.chat.completions.create(**{**ASKED, "temperature": "hot"}, extra_headers=child)
        cancelled = client.chat.completions.create(**{**ASKED, "max_tokens": 500}, stream=True, extra_headers=child)
        next(iter(cancelled))
        cancelled.close()
    first, second, third, fourth = stack.wait_for_calls(4, "trace_id = 'e2e-openai'")
    assert (first["span_name"], first["span_id"], first["user"]) == ("plan", "root", "ada")
    assert plain.usage
    assert int(first["total_tokens"]) == plain.usage.total_tokens
    assert first["system_fingerprint"] == plain.system_fingerprint
    for row in (first, second):
        uncached, cached = int(row["uncached_input_tokens"]), int(row["cache_read_tokens"])
        expected = (Decimal("0.05") * uncached + Decimal("0.01") * cached + Decimal("0.20") * int(row["output_tokens"])) / 10**6
        assert Decimal(str(row["cost_usd"])) == expected
        assert (row["outcome"], row["usage_source"], row["price_source"]) == ("ok", "provider", "user")
        assert row["finish_reasons"] == ["length"]
    assert second["stream"] is True
    assert second["ttft_ms"] > 0
    assert second["itl_p50_ms"] >= 0
    assert sum(int(n) for n in second["itl_digest"]) > 0
    assert second["metadata"]["team"] == "x"
    assert (third["outcome"], third["status_code"]) == ("upstream_error", 400)
    assert fourth["outcome"] == "client_gone"
    (body,) = stack.rows(f"SELECT * FROM llm.bodies WHERE call_id = '{first['call_id']}'")
    assert json.loads(body["request_body"])["messages"] == MESSAGES
    assert json.loads(body["response_body"])["choices"][0]["message"]["content"] == plain.choices[0].message.content
    printed = wait_for_spans(spans, [row["otel_span_id"] for row in (first, second, third, fourth)])
    assert printed.count(f"Trace ID       : {first['otel_trace_id']}") == 4
    assert "sk-canary-of-the-e2e-test" not in printed
    tree = stack.command("trace", "e2e-openai")
    assert tree.index("plan") < tree.index("upstream_error")
    data = Path(stack.environ["TRACER_DATA_DIR"])
    assert not [f for f in data.rglob("*") if f.is_file() and b"sk-canary-of-the-e2e-test" in f.read_bytes()]


def test_portkey_sdk(stack: Stack) -> None:
    with (
        portkey(stack, "e2e-portkey", provider="openai", metadata={"_user": "bob", "a": "b"}) as client,
        # `openai` by name goes to OpenAI itself, which cannot be reached here: an error the SDK must understand, once.
        pytest.raises(vendored.APIStatusError) as failed,
    ):
        client.chat.completions.create(**ASKED)
    assert failed.value.status_code == 502
    with portkey(stack, "e2e-portkey", metadata={"_user": "bob"}) as local:
        answer = local.chat.completions.create(**ASKED)
        text = "".join(piece.choices[0].delta.content or "" for piece in local.chat.completions.create(**ASKED, stream=True))
    assert text == answer.choices[0].message.content
    rows = stack.wait_for_calls(3, "trace_id = 'e2e-portkey'")
    assert [row["outcome"] for row in rows] == ["upstream_error", "ok", "ok"]
    assert {row["user"] for row in rows} == {"bob"}
    assert {row["key_hash"] for row in rows} == {""}  # the placeholder that the SDK sends is no key
