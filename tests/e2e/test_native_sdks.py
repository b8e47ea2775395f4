"""The official SDKs of a dozen providers, base URL changed and nothing else, through real processes to rows.

Behind Tracer is a scripted provider that answers in each one's dialect (tests/provider/native.py), so it is the SDKs that judge
whether a reply came through whole; and once a real model, which speaks Anthropic's dialect too.
"""

import time
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.stack import Stack, tracer_up
from tests.native.sdks import say
from tests.provider import Provider, native
from tests.proxy.test_sigv4 import HOST, verify

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]  # the first test installs the SDKs

KEY = "sk-canary-of-the-native-doors"
SAID = native.SAID
UPSTREAMS = (
    *("OPENAI", "ANTHROPIC", "GOOGLE", "BEDROCK", "MISTRAL_AI", "COHERE", "GROQ", "TOGETHER_AI", "CEREBRAS"),
    *("AZURE_OPENAI", "HUGGINGFACE", "OLLAMA", "WRITER"),
)


@pytest.fixture(scope="module")
def native_port(ports: Callable[[], int]) -> int:
    return ports()


@pytest.fixture(scope="module")
def tracer(tmp_path_factory: pytest.TempPathFactory, ports: Callable[[], int], native_port: int) -> Iterator[Stack]:
    settings = {f"TRACER_UPSTREAM_{name}": f"http://127.0.0.1:{native_port}" for name in UPSTREAMS}
    with tracer_up(tmp_path_factory.mktemp("native"), ports, settings) as stack:
        while not stack.rows("SELECT 1 FROM system.tables WHERE database = 'llm' AND name = 'calls'"):  # the sink makes them
            time.sleep(0.1)
        yield stack


@pytest.fixture
async def provider(native_port: int) -> AsyncIterator[Provider]:
    async with Provider.start(native_port) as running:
        running.always(native.answer)
        yield running


async def rows_of(tracer: Stack, count: int, *calls: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What came of SDKs' calls, and the rows that they left, in order."""
    since = datetime.now(UTC).strftime("%F %T.%f")
    came = await say(tracer.origin, *calls, key=KEY)
    return came, tracer.wait_for_calls(count, f"started_at >= '{since}'")


def what(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["door"], row["provider"], row["outcome"], row["status_code"]


def tokens(row: dict[str, Any]) -> tuple[int | None, ...]:
    names = ("uncached_input_tokens", "cache_read_tokens", "cache_write_tokens", "text_output_tokens", "reasoning_tokens")
    return tuple(None if row[name] is None else int(row[name]) for name in names)


async def test_anthropic(tracer: Stack, provider: Provider) -> None:
    calls = ("plain", "stream", "tools", "beta", "error", "count", "batches", "models")
    came, rows = await rows_of(tracer, 10, *(f"anthropic.{name}" for name in calls))
    assert came["anthropic.plain"] == {"text": SAID, "tokens": 7, "request_id": "req_1"}
    assert came["anthropic.stream"] == {"text": SAID, "tokens": 7}
    assert came["anthropic.tools"] == [{"city": "Oslo"}, {"city": "Oslo"}]
    assert came["anthropic.beta"] == SAID
    assert (came["anthropic.error"]["raised"], came["anthropic.error"]["status"]) == ("NotFoundError", 404)
    assert came["anthropic.count"] == 12
    assert came["anthropic.batches"] == ["msgbatch_1", "msgbatch_1"]
    assert came["anthropic.models"] == ["claude-x"]
    assert [what(row)[:2] for row in rows] == [("anthropic", "anthropic")] * 10
    assert [row["outcome"] for row in rows] == ["ok"] * 5 + ["upstream_error"] + ["ok"] * 4
    assert [row["status_code"] for row in rows] == [200] * 5 + [404] + [200] * 4
    assert [row["endpoint"] for row in rows] == [
        *["/v1/messages"] * 6,
        "/v1/messages/count_tokens",
        *["/v1/messages/batches"] * 2,
        "/v1/models",
    ]
    assert [row["stream"] for row in rows] == [False, True, False, True, False, *[False] * 5]
    for row in rows[:5]:
        assert tokens(row) == (12, 20, 3, 7, None) or tokens(row) == (12, 20, 3, 7, 0)
        assert row["usage_source"] == "provider"
    assert rows[1]["ttft_ms"] > 0
    assert "Anthropic/Python" in rows[0]["client"]
    assert [request.header("anthropic-beta") for request in provider.requests].count("context-1m-2025-08-07") == 1
    assert {request.header("authorization") for request in provider.requests} == {f"Bearer {KEY}"}
    assert len({request.header("anthropic-version") for request in provider.requests}) == 1


async def test_google(tracer: Stack, provider: Provider) -> None:
    calls = ("plain", "stream", "tools", "error", "count", "models")
    came, rows = await rows_of(tracer, 7, *(f"google.{name}" for name in calls))
    assert came["google.plain"] == {"text": SAID, "tokens": 22}
    assert came["google.stream"] == {"text": SAID, "tokens": 20}
    assert came["google.tools"] == {"city": "Oslo"}
    assert (came["google.error"]["raised"], came["google.error"]["status"]) == ("ClientError", 404)
    assert "is not found" in came["google.error"]["message"]
    assert came["google.count"] == [10, 0.25]
    assert came["google.models"] == ["models/gemini-3-flash"]
    assert [what(row) for row in rows] == [
        ("gemini", "google", "ok" if s == 200 else "upstream_error", s) for s in (200, 200, 200, 404, 200, 200, 200)
    ]
    assert [tokens(row) for row in rows[:3]] == [(6, 4, None, 7, 5), (6, 4, None, 5, 5), (6, 4, None, 7, 5)] or [
        tokens(row) for row in rows[:3]
    ] == [(6, 4, 0, 7, 5), (6, 4, 0, 5, 5), (6, 4, 0, 7, 5)]
    assert (rows[0]["request_model"], rows[0]["response_model"]) == ("gemini-3-flash", "gemini-3-flash-001")
    assert rows[1]["stream"] is True
    assert {request.header("x-goog-api-key") for request in provider.requests} == {KEY}


async def test_leaving_in_the_middle(tracer: Stack, provider: Provider) -> None:
    came, rows = await rows_of(tracer, 2, "anthropic.abort", "google.abort")
    assert came == {"anthropic.abort": "It", "google.abort": "It"}
    assert [what(row)[::2] for row in rows] == [("anthropic", "client_gone"), ("gemini", "client_gone")]
    await provider.until(lambda: all(request.client_gone for request in provider.requests))


OTHERS = {
    "mistral": ("mistral-ai", "/v1/chat/completions"),
    "cohere": ("cohere", "/v2/chat"),
    "groq": ("groq", "/openai/v1/chat/completions"),
    "together": ("together-ai", "/v1/chat/completions"),
    "cerebras": ("cerebras", "/v1/chat/completions"),
    "openai": ("openai", "/v1/chat/completions"),
    "azure": ("azure-openai", "/openai/deployments/my-deployment/chat/completions"),
    "huggingface": ("huggingface", "/v1/chat/completions"),
    "ollama": ("ollama", "/api/chat"),
    "writer": ("writer", "/v1/chat"),
}

# Cohere: the units that it bills.
COUNTED = {"cohere": (5, 4), "ollama": (11, 5)}


@pytest.mark.parametrize("name", OTHERS)
async def test_others(tracer: Stack, provider: Provider, name: str) -> None:
    slug, path = OTHERS[name]
    came, rows = await rows_of(tracer, 2, f"{name}.plain", f"{name}.stream")
    assert came == {f"{name}.plain": SAID, f"{name}.stream": SAID}
    assert [what(row) for row in rows] == [("proxy", slug, "ok", 200)] * 2
    assert [row["stream"] for row in rows] == [False, True]
    assert [request.path for request in provider.requests] == [path] * 2
    assert {(int(row["input_tokens"]), int(row["output_tokens"])) for row in rows} == {COUNTED.get(name, (9, 5))}
    assert all(row["response_bytes"] > 0 and row["request_bytes"] > 0 for row in rows)
    assert all(KEY in repr(request.headers) for request in provider.requests)


async def test_errors_of_others(tracer: Stack, provider: Provider) -> None:
    came, rows = await rows_of(tracer, 3, "cohere.error", "ollama.error", "unknown.provider")
    assert [error["status"] for error in came.values()] == [404] * 3
    assert [error["raised"] for error in came.values()] == ["NotFoundError", "ResponseError", "NotFoundError"]
    assert "TRACER_UPSTREAM_NOBODYS" in came["unknown.provider"]["message"]
    assert [what(row)[2:] for row in rows] == [("upstream_error", 404), ("upstream_error", 404), ("refused", 404)]


async def test_boto3(tracer: Stack, provider: Provider) -> None:
    """Each way of reaching Bedrock in docs/providers.md; where Amazon's host was signed for, the signature still fits."""
    by = ("http_proxy", "environment", "hook", "endpoint", "token")
    calls = (*(f"bedrock.by_{how}" for how in by), "bedrock.invoke", "bedrock.error")
    came, rows = await rows_of(tracer, 13, *calls)
    assert [came[name] for name in calls[:6]] == [[SAID, SAID]] * 6
    assert came["bedrock.error"]["raised"] == "ResourceNotFoundException"
    assert [what(row) for row in rows] == [("proxy", "bedrock", "ok", 200)] * 12 + [("proxy", "bedrock", "upstream_error", 404)]
    assert {(int(row["input_tokens"]), int(row["output_tokens"])) for row in rows[:12]} == {(14, 6)}
    assert {request.path.partition("/converse")[0] for request in provider.requests[:10]} == {
        "/model/anthropic.claude-3-5-sonnet-20240620-v1%3A0"
    }
    for request in provider.requests[:6]:
        verify(request, HOST)
    assert [request.header("host") for request in provider.requests[:4]] == [HOST] * 4
    assert {request.header("authorization") for request in provider.requests[8:10]} == {f"Bearer {KEY}"}


async def test_anthropics_sdk_and_a_real_model(stack: Stack) -> None:
    """The default upstream is a server of one's own, which speaks Anthropic's dialect too."""
    came, (plain, streamed) = await rows_of(stack, 2, "anthropic.real")
    real = came["anthropic.real"]
    assert real["text"]
    assert real["streamed"]
    for row in (plain, streamed):
        assert what(row) == ("anthropic", "anthropic", "ok", 200)
        assert row["finish_reasons"] in (["max_tokens"], ["length"], ["end_turn"], ["stop"])
    assert int(plain["input_tokens"]) > 0
    assert int(plain["output_tokens"]) == real["usage"][1]
    assert int(streamed["output_tokens"]) == 8


async def test_no_key_is_kept_anywhere(tracer: Stack, provider: Provider) -> None:
    await rows_of(tracer, 4, "anthropic.plain", "google.plain", "azure.plain", "cohere.error")
    data = Path(tracer.environ["TRACER_DATA_DIR"])
    assert not [file for file in data.rglob("*") if file.is_file() and KEY.encode() in file.read_bytes()]
