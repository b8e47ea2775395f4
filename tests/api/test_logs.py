"""`/v1/logs` behind a real server: Portkey's own clients write to it, rows come back in Portkey's shape."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import portkey_ai
import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from portkey_ai.api_resources.apis.logger import Logger
from portkey_ai.api_resources.exceptions import APIStatusError, BadRequestError

from exporters import clickhouse
from tests.api.many_calls import WINDOW, many_calls
from tests.api.portkey_callbacks import run_langchain, run_llamaindex, span_exporter
from tests.api.serving import Served, serving
from tests.api.test_log_entry import ANSWER, ENTRY, METADATA, PRICES, REQUEST, RESPONSE
from tests.store.running import RunningStore
from tests.store.samples import CONTENT, call, full_call
from tracer.api.analytics import Analytics
from tracer.api.logs import NOT_FOUND, Logs
from tracer.api.questions import Questions
from tracer.config import Settings
from tracer.records import Exchange, Outcome
from tracer.registry.records import Caller
from tracer.sink.decode import decode

NOBODYS = "0b5e7a7e-9b1c-4f8e-8a54-3c1d2e6f7a90"
KEY = "pk-live-0123456789abcdef"


class Spool:
    """Where the endpoint's records go; `room` for so many."""

    def __init__(self) -> None:
        self.taken: list[Exchange] = []
        self.room = 10_000

    def append(self, exchange: Exchange) -> bool:
        if len(self.taken) >= self.room:
            return False
        self.taken.append(exchange)
        return True


@pytest.fixture
def spool() -> Spool:
    return Spool()


@pytest.fixture
async def writing(settings: Settings, spool: Spool) -> AsyncIterator[Served]:
    """For tests that write; there is no store to read from."""
    asked = Questions(settings)
    async with serving(Logs(settings, spool.append, asked, lambda _: frozenset())) as served:
        yield served
    asked.close()


async def post(api: Served, body: Any, **headers: str) -> tuple[int, str]:
    async with api.client.post(f"{api.url}/v1/logs", json=body, headers=headers) as answer:
        return answer.status, await answer.text()


async def test_one_and_many(writing: Served, spool: Spool) -> None:
    assert await post(writing, ENTRY) == (200, "ok")
    assert await post(writing, [ENTRY, ENTRY]) == (200, "ok")
    assert [each.door for each in spool.taken] == ["logs"] * 3
    assert len({each.call_id for each in spool.taken}) == 3


async def test_the_answer_is_text(writing: Served) -> None:
    async with writing.client.post(f"{writing.url}/v1/logs", json=ENTRY) as answer:
        assert answer.content_type == "text/plain"


async def test_nothing_is_half_accepted(writing: Served, spool: Spool) -> None:
    status, text = await post(writing, [ENTRY, {"request": {}}])
    assert (status, spool.taken) == (400, [])
    assert "entry 1: response: required" in text


async def test_what_is_no_json_or_too_large(writing: Served, spool: Spool, settings: Settings) -> None:
    url = f"{writing.url}/v1/logs"
    async with writing.client.post(url, data=b"{oops") as answer:
        assert answer.status == 400
        assert "the body is not JSON" in await answer.text()
    async with writing.client.post(url, data=b"{}", headers={"content-encoding": "br"}) as answer:
        assert answer.status == 415
    small = settings.model_copy(update={"max_request_bytes": 1000})
    asked = Questions(small)
    async with serving(Logs(small, spool.append, asked, lambda _: frozenset())) as bounded:

        async def pieces() -> AsyncIterator[bytes]:  # a body whose length nobody said
            for _ in range(100):
                yield b" " * 100

        for data in (b" " * 1001, pieces()):
            async with bounded.client.post(f"{bounded.url}/v1/logs", data=data) as answer:
                assert answer.status == 413
                assert "larger than 1000 bytes (TRACER_MAX_REQUEST_BYTES)" in await answer.text()
    asked.close()
    assert spool.taken == []


async def test_a_spool_that_is_full(writing: Served, spool: Spool) -> None:
    spool.room = 2
    status, text = await post(writing, [ENTRY] * 3)
    assert status == 503
    assert "2 of 3 log entries were taken" in text


async def test_the_callers_key_and_its_tags_land_on_the_record(writing: Served, spool: Spool) -> None:
    writing.caller = Caller(key_id="k-7", tags={"team": "blue"})
    await post(writing, ENTRY)
    (made,) = spool.taken
    assert (made.key_id, made.trace.metadata["team"]) == ("k-7", "blue")


@pytest.mark.parametrize(
    ("capture", "debug", "kept"),
    [("full", "", True), ("full", "true", True), ("full", "False", False), ("metadata", "true", False)],
)
async def test_whether_content_is_kept(
    load_settings: Callable[..., Settings], spool: Spool, capture: str, debug: str, kept: bool
) -> None:
    settings = load_settings(TRACER_CAPTURE=capture)
    asked = Questions(settings)
    async with serving(Logs(settings, spool.append, asked, lambda _: frozenset())) as api:
        await post(api, ENTRY, **({"x-portkey-debug": debug} if debug else {}))
    asked.close()
    assert spool.taken[0].content is kept
    assert (b"hello" in spool.taken[0].response.head) is kept


async def test_other_methods_and_exports(writing: Served) -> None:
    for method, path, status in [
        ("GET", "/v1/logs", 405),
        ("PUT", "/v1/logs/1", 405),
        ("POST", "/v1/logs/1", 405),
        ("POST", "/v1/logs/exports", 501),
        ("GET", "/v1/logs/exports/1/download", 501),
    ]:
        async with writing.client.request(method, writing.url + path) as answer:
            assert answer.status == status, path


async def test_portkeys_logger(writing: Served, spool: Spool) -> None:
    logger = Logger(api_key=KEY, base_url=f"{writing.url}/v1")
    answer = await asyncio.to_thread(logger.log, [ENTRY, {**ENTRY, "response": {**RESPONSE, "body": vars_of()}}])
    assert (answer.status_code, answer.text) == (200, "ok")
    rows = [decode(each, PRICES) for each in spool.taken]
    assert [row.input_tokens for row in rows] == [1000, 1000]
    assert KEY not in repr(spool.taken)


def vars_of() -> Any:
    """An object, of which the Logger writes the attributes."""

    class Answer:
        def __init__(self) -> None:
            self.__dict__.update(ANSWER)

    return Answer()


async def test_portkeys_client(writing: Served, spool: Spool) -> None:
    url = f"{writing.url}/v1"
    with portkey_ai.Portkey(api_key=KEY, base_url=url, trace_id="t-client", metadata={"_user": "bo"}) as client:
        answer = await asyncio.to_thread(lambda: client.logs.create(request=REQUEST, response=RESPONSE, metadata=METADATA))
        assert answer.text == "ok"
        with pytest.raises(BadRequestError, match=r"request\.url: should be a text"):
            await asyncio.to_thread(lambda: client.logs.create(request={"url": 7}, response={}))
    (made,) = spool.taken
    assert (made.trace.trace_id, made.trace.metadata["_user"]) == ("t-client", "bo")
    async with portkey_ai.AsyncPortkey(api_key=KEY, base_url=url) as sdk:
        await sdk.logs.create(request=REQUEST, response=RESPONSE)
    assert len(spool.taken) == 2


async def test_portkeys_langchain_callback(writing: Served, spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    await asyncio.to_thread(run_langchain, monkeypatch, f"{writing.url}/v1", KEY)
    tool, llm, chain = spool.taken
    assert {each.trace.trace_id for each in spool.taken} == {"t-chain"}
    assert [each.trace.span_name for each in (tool, llm, chain)] == ["search", "ChatOpenAI", "AgentExecutor"]
    assert (chain.trace.parent_span_id, tool.trace.parent_span_id) == ("", chain.trace.span_id)
    assert llm.trace.parent_span_id == chain.trace.span_id
    assert (llm.provider, llm.path) == ("openai", "/v1/chat/completions")
    assert llm.trace.metadata["_user"] == "ana"
    assert "sk-langchain" not in repr(spool.taken)
    row = decode(llm, PRICES)
    assert (row.operation, row.request_model, row.temperature, row.input_tokens) == ("chat", "gpt-4o", 0.5, 20)
    assert row.finish_reasons == ("stop",)
    assert row.cost_usd
    assert decode(chain, PRICES).cost_usd is None
    assert b'"final_answer":"I am."' in chain.response.head


async def test_portkeys_llamaindex_callback(writing: Served, spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    await asyncio.to_thread(run_llamaindex, monkeypatch, f"{writing.url}/v1", KEY)
    llm, query = spool.taken
    assert (llm.trace.span_name, query.trace.span_name) == ("llm", "query")
    assert llm.trace.trace_id == query.trace.trace_id != ""
    assert (llm.trace.parent_span_id, query.trace.parent_span_id) == ("q-1", "")
    row = decode(llm, PRICES)
    assert (row.provider, row.operation, row.request_model, row.input_tokens) == ("openai", "chat", "gpt-4o", 7)
    assert row.cost_usd
    assert query.request.head == b'{"query_str": "who?"}'


async def test_portkeys_span_exporter(writing: Served, spool: Spool) -> None:
    def spans() -> None:
        provider = TracerProvider(resource=Resource.create({"service.name": "app"}), shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(span_exporter(f"{writing.url}/v1", KEY)))
        tracer = provider.get_tracer("app")
        with tracer.start_as_current_span("outer"), tracer.start_as_current_span("inner", attributes={"_source": "crewai"}):
            pass
        provider.shutdown()

    await asyncio.to_thread(spans)
    inner, outer = spool.taken
    assert (inner.trace.span_name, outer.trace.span_name) == ("inner", "outer")
    assert inner.trace.trace_id == outer.trace.trace_id
    assert (inner.trace.parent_span_id, outer.trace.parent_span_id) == (outer.trace.span_id, "")
    assert inner.trace.metadata["_source"] == "crewai"
    assert inner.started_ns >= outer.started_ns
    assert (inner.path, inner.outcome) == ("/v1/logs", Outcome.OK)
    assert b'"name":"inner"' in inner.request.head


# Reading


@pytest.fixture
async def reading(questions: Questions, settings: Settings, spool: Spool) -> AsyncIterator[Served]:
    keys = {"one": frozenset({"k-1"})}
    async with serving(Logs(settings, spool.append, questions, lambda workspace: keys.get(workspace, frozenset()))) as served:
        yield served


async def test_an_inserted_call_is_read_back(empty_store: RunningStore, writing: Served, spool: Spool) -> None:
    await post(writing, ENTRY)
    row = decode(spool.taken[0], PRICES)
    exporter = clickhouse.open(empty_store.settings)
    exporter.export([row], "inserted")
    exporter.close()
    asked = Questions(empty_store.settings)
    async with serving(Logs(empty_store.settings, spool.append, asked, lambda _: frozenset())) as api:
        status, log = await api.get(f"/v1/logs/{row.call_id}", path_format="v1")
    asked.close()
    assert status == 200
    assert log["_id"] == str(row.call_id)
    assert log["request"] == {
        "url": "api.openai.com/v1/chat/completions",
        "method": "POST",
        "headers": {"authorization": "***", "x-own": "***", "content-type": "application/json"},
        "portkeyHeaders": {},
        "body": REQUEST["body"],
    }
    assert log["response"] == {
        "status": 200,
        "headers": {"x-request-id": "req_1", "set-cookie": "***", "content-type": "application/json"},
        "body": ANSWER,
        "responseTime": 250,
    }
    metrics: Any = log["metrics"]
    assert log["units"]["cost"] == "US cents"  # type: ignore[index]
    assert metrics["cost"] == pytest.approx((1000 * 2.5e-6 + 100 * 10e-6) * 100)
    assert (metrics["cost_currency"], metrics["is_success"], metrics["ttlt"]) == ("USD", True, 250)
    assert (metrics["ai_org"], metrics["ai_model"], metrics["_user"]) == ("openai", "gpt-4o-2024-08-06", "ana")
    assert (metrics["req_units"], metrics["res_units"], metrics["total_units"]) == (1000, 100, 1100)
    assert (metrics["trace_id"], metrics["span_id"], metrics["parent_span_id"]) == ("t-1", "s-1", "s-0")
    assert dict(zip(metrics["metadata.key"], metrics["metadata.value"], strict=True)) == {"_user": "ana", "n": "3"}
    assert metrics["created_at"] == row.started_at.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
    assert log["tracer"]["outcome"] == "ok"  # type: ignore[index]


async def test_a_call_with_everything(empty_store: RunningStore, settings: Settings, spool: Spool) -> None:
    made = full_call(9)
    exporter = clickhouse.open(empty_store.settings)
    exporter.export([made, call(10)], "full")
    exporter.close()
    asked = Questions(empty_store.settings)
    async with serving(Logs(settings, spool.append, asked, lambda _: frozenset())) as api:
        status, log = await api.get(f"/v1/logs/{made.call_id}")
        assert status == 200
        _, bare = await api.get(f"/v1/logs/{call(10).call_id}")
    asked.close()
    metrics: Any = log["metrics"]
    assert metrics["cost"] == pytest.approx(12345600.0000000001)  # dollars with twelve digits behind the point
    assert (metrics["response_time"], metrics["ttlt"]) == (101.5, 250.0)  # a stream: to the first token, to the end
    assert (metrics["is_success"], metrics["response_status_code"]) == (False, 429)
    assert (metrics["cache_status"], metrics["cache_type"]) == ("MISS", "")
    assert (metrics["prompt_slug"], metrics["prompt_version_id"]) == ("p-1", "3")
    assert metrics["gateway_processing_time"] == pytest.approx(0.321)
    assert metrics["retry_success_count"] == 0
    response: Any = log["response"]
    assert response["body"] == {"choices": []}
    assert log["originalResponse"] == {"body": CONTENT.response_body}
    # What the caller sent, and beside it what was made of it.
    assert log["request"]["body"] == {"variables": {"name": "Ada"}}  # type: ignore[index]
    assert log["transformedRequest"]["body"]["messages"][0]["content"] == "grüß' dich\n"  # type: ignore[index]
    ours: Any = log["tracer"]
    assert (ours["error_type"], ours["error_message"], ours["content_kept"]) == ("rate_limit_exceeded", "slow down", True)
    # One without content: nothing is made up.
    assert (bare["request"]["body"], bare["response"]["body"]) == (None, None)  # type: ignore[index]
    assert bare["tracer"]["content_kept"] is False  # type: ignore[index]
    assert bare["metrics"]["gateway_processing_time"] is None  # type: ignore[index]


@pytest.mark.parametrize("name", ["nope", NOBODYS, "'; DROP TABLE llm.calls", "otel"])
async def test_an_id_that_is_not_there(reading: Served, name: str) -> None:
    status, answer = await reading.get(f"/v1/logs/{name}")
    assert status == 404
    assert answer == {
        "status": "failure",
        "success": False,
        "message": NOT_FOUND,
        "error": {"message": NOT_FOUND, "code": "AB02"},
    }


async def test_anothers_log_is_as_if_it_were_not_there(reading: Served) -> None:
    own, others = (next(c for c in many_calls() if c.key_id == key) for key in ("k-1", "k-2"))
    missing = await reading.get(f"/v1/logs/{uuid.uuid4()}")
    assert (await reading.get(f"/v1/logs/{others.call_id}"))[0] == 200
    reading.caller = Caller(key_id="k-1", workspace="one", admin=False)
    assert (await reading.get(f"/v1/logs/{own.call_id}"))[0] == 200
    assert await reading.get(f"/v1/logs/{others.call_id}") == missing
    keyless = next(c for c in many_calls() if c.key_id == "")
    assert await reading.get(f"/v1/logs/{keyless.call_id}") == missing


async def test_no_store_to_read_from(writing: Served) -> None:
    status, answer = await writing.get(f"/v1/logs/{uuid.uuid4()}")
    assert status == 503
    assert "nothing answers" in str(answer["message"])


async def test_portkeys_analytics_client(questions: Questions) -> None:
    """Each method of the SDK's analytics reaches an endpoint that answers it, or that says why not."""
    window: Any = {name: datetime.fromisoformat(text).astimezone(UTC).isoformat() for name, text in WINDOW.items()}

    def ask(client: portkey_ai.Portkey) -> dict[str, Any]:
        graphs = client.analytics.graphs
        names = [name for name in dir(type(graphs)) if not name.startswith("_")]
        found = {name: getattr(graphs, name)(**window) for name in names}
        groups = client.analytics.groups
        found["group_users"] = groups.users(**window, page_size=2, current_page=1)
        found["group_models"] = groups.ai_models(**window)
        found["group_team"] = groups.metadata(metadata_key="team", **window)
        found["group_by"] = {
            by: groups.group_by(group_by=by, columns="requests", include_total=True, **window)
            for by in ("ai_service", "model", "status_code", "api_key", "provider", "prompt")
        }
        found["summary"] = client.analytics.summary.cache(**window)
        with pytest.raises(APIStatusError, match="rows do not say"):
            groups.workspaces(**window)
        return found

    async with serving(Analytics(questions, lambda _: frozenset())) as api:
        with portkey_ai.Portkey(api_key=KEY, base_url=f"{api.url}/v1") as client:
            found = await asyncio.to_thread(ask, client)
    assert len(found) == 17 + 5
    total = len(many_calls())
    assert found["requests"].summary == {"total": total}
    assert found["requests"].get_headers()["trace-id"] == "t-served"
    assert found["latency"].object == "analytics-graph"
    assert (found["group_users"].total, len(found["group_users"].data)) == (4, 2)
    assert {row["metadata_value"] for row in found["group_team"].data} == {"a", "b"}
    assert sum(row["requests"] for row in found["group_by"]["status_code"].data) == total
    assert found["summary"].summary["total_requests"] == total
