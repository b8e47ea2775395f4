"""An application's own spans, as Scale's SDK sends and reads them, through the spool into SQL."""

import asyncio
import contextlib
import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console
from scale_gp_beta import SGPClient
from scale_gp_beta.lib.tracing.span import Span
from scale_gp_beta.lib.tracing.trace import Trace
from scale_gp_beta.lib.tracing.trace_queue_manager import TraceQueueManager

from tests.api.serving import Served, serving
from tests.api.spooling import Spooling, spooling
from tests.store.running import RunningStore
from tests.store.samples import app_span, full_app_span
from tracer.api.questions import Questions
from tracer.api.recent import Recent
from tracer.api.span_items import Sender, read_many, shown
from tracer.api.spans import SpansEndpoint
from tracer.proxy.refused import Refused
from tracer.registry.records import Caller
from tracer.signals import AppSpan, weight_of
from tracer.store import tree

NOW = datetime.now(UTC).replace(microsecond=123456)
KEY = "sgp-very-secret-key"
W3C = {"obs_trace_id": "0af7651916cd43dd8448eb211c80319c", "obs_span_id": "b7ad6b7169203331"}


def item(number: int = 1, **fields: Any) -> dict[str, Any]:
    """A span as the SDK sends one that has ended; a field that is None is left out."""
    sent = {
        "id": f"span-{number}",
        "trace_id": "trace-1",
        "name": f"step {number}",
        "start_timestamp": (NOW + timedelta(milliseconds=number)).isoformat(),
        "end_timestamp": (NOW + timedelta(milliseconds=number + 5)).isoformat(),
        "type": "STANDALONE",
        "status": "SUCCESS",
        "input": {"question": "grüß dich"},
        "output": {},
        "metadata": {},
    }
    return {name: value for name, value in (sent | fields).items() if value is not None}


@pytest.fixture
async def questions(empty_store: RunningStore) -> AsyncIterator[Questions]:
    asked = Questions(empty_store.settings)
    yield asked
    asked.close()


@pytest.fixture
async def spool(empty_store: RunningStore, tmp_path: Path) -> AsyncIterator[Spooling]:
    with spooling(empty_store, tmp_path) as opened:
        yield opened


@pytest.fixture
async def served(empty_store: RunningStore, questions: Questions, spool: Spooling) -> AsyncIterator[Served]:
    async with serving(SpansEndpoint(empty_store.settings, spool.append, questions)) as running:
        yield running


async def send(served: Served, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, dict[str, Any]]:
    data = io.BytesIO(body if isinstance(body, bytes) else orjson.dumps(body)) if body is not None else None
    async with served.client.request(method, f"{served.url}/v5/spans{path}", data=data, headers=headers) as answer:
        return answer.status, orjson.loads(await answer.read())


async def put(served: Served, *items: Any, **headers: str) -> tuple[int, dict[str, Any]]:
    return await send(served, "PUT", "/batch", {"items": list(items)}, **headers)


def drawn(store: RunningStore, trace_id: str) -> str:
    out = io.StringIO()
    Console(file=out, width=200).print(tree.trace_tree(tree.rows(store.settings, trace_id)))
    return out.getvalue()


async def test_a_span_comes_back_as_it_was_sent(served: Served, spool: Spooling, questions: Questions) -> None:
    sent = item(
        parent_id="span-0",
        group_id="g",
        expected={"a": [1, {"b": None}]},
        metadata={"k": 1.5},
        application_variant_id="v",
        application_interaction_id="i",
        **W3C,
    )
    status, said = await send(served, "POST", "", sent, **{"x-selected-account-id": "acc"})
    assert status == 200
    assert said["object"] == "span"
    assert said["account_id"] == "acc"
    assert {name: said[name] for name in sent if name != "output"} == {k: v for k, v in sent.items() if k != "output"}
    assert await send(served, "GET", "/span-1") == (200, said)  # before it is in SQL
    spool.deliver()
    async with serving(SpansEndpoint(spool.store.settings, spool.append, questions)) as other:
        assert await send(other, "GET", "/span-1") == (200, said)


async def test_a_batch_keeps_of_each_span_the_ended_one(served: Served, spool: Spooling) -> None:
    started = item(1, end_timestamp=None, output=None)
    status, said = await put(
        served, started, item(2, end_timestamp=None), item(1, output={"done": True}), item(1, end_timestamp=None)
    )
    assert status == 200
    assert [(each["id"], each["output"]) for each in said["items"]] == [("span-1", {"done": True}), ("span-2", None)]
    assert said["object"] == "list"
    assert len(spool.taken) == 2
    await put(served, started)  # late, or sent again
    spool.deliver()
    assert "step 1  STANDALONE  SUCCESS  5 ms" in drawn(spool.store, "trace-1")
    assert (await send(served, "GET", "/span-1"))[1]["output"] == {"done": True}


async def test_without_an_id_one_is_made(served: Served, spool: Spooling) -> None:
    _, said = await send(served, "POST", "/batch", {"items": [item(id=None), item(id=None)]})
    first, second = (each["id"] for each in said["items"])
    assert first != second
    assert [record.id for record in spool.taken] == [first, second]


FAULTS: list[tuple[dict[str, Any], list[Any], str]] = [
    ({"name": None}, ["name"], "missing"),
    ({"trace_id": None}, ["trace_id"], "missing"),
    ({"start_timestamp": None}, ["start_timestamp"], "missing"),
    ({"name": 5}, ["name"], "string_type"),
    ({"id": "x" * 257}, ["id"], "string_length"),
    ({"id": "ü" * 129}, ["id"], "string_length"),
    ({"trace_id": ""}, ["trace_id"], "string_length"),
    ({"parent_id": "x" * 257}, ["parent_id"], "string_length"),
    ({"group_id": "x" * 257}, ["group_id"], "string_length"),
    ({"start_timestamp": "yesterday"}, ["start_timestamp"], "datetime_from_date_parsing"),
    ({"end_timestamp": (NOW - timedelta(seconds=1)).isoformat()}, ["end_timestamp"], "value_error"),
    ({"start_timestamp": "2001-01-01T00:00:00Z"}, ["start_timestamp"], "value_error"),
    ({"end_timestamp": "9999-12-31T23:59:59+14:00"}, ["end_timestamp"], "value_error"),
    ({"start_timestamp": "0001-01-01T00:00:00+14:00"}, ["start_timestamp"], "value_error"),
    ({"status": "FINE"}, ["status"], "literal_error"),
    ({"input": [1]}, ["input"], "dict_type"),
    ({"output": "text"}, ["output"], "dict_type"),
    ({"metadata": 1}, ["metadata"], "dict_type"),
    ({"expected": True}, ["expected"], "dict_type"),
    ({"obs_trace_id": "0AF7651916CD43DD8448EB211C80319C"}, ["obs_trace_id"], "string_pattern_mismatch"),
    ({"obs_trace_id": "0" * 32}, ["obs_trace_id"], "string_pattern_mismatch"),
    ({"obs_span_id": W3C["obs_span_id"]}, ["obs_span_id"], "value_error"),
]


@pytest.mark.parametrize(
    ("fields", "place", "kind"), FAULTS, ids=[f"{number}-{next(iter(fields))}" for number, (fields, *_) in enumerate(FAULTS)]
)
async def test_what_is_wrong_is_said_as_fastapi_does(
    served: Served, spool: Spooling, fields: dict[str, Any], place: list[Any], kind: str
) -> None:
    status, said = await put(served, item(1), item(2, **fields))
    assert status == 422
    (fault,) = said["detail"]
    assert (fault["loc"], fault["type"]) == (["body", "items", 1, *place], kind)
    assert fault["msg"]
    assert spool.taken == []
    status, said = await send(served, "POST", "", item(**fields))
    assert (status, said["detail"][0]["loc"]) == (422, ["body", *place])


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b"{", ["body"]),
        (b"[]", ["body"]),
        ({}, ["body", "items"]),
        ({"items": {}}, ["body", "items"]),
        ({"items": [item(n) for n in range(1001)]}, ["body", "items"]),
        ({"items": [5]}, ["body", "items", 0]),
        ({"items": [item(input={"deep": "x"})]}, None),
    ],
    ids=lambda value: str(value)[:30],
)
async def test_what_is_no_batch(served: Served, body: Any, place: list[Any] | None) -> None:
    status, said = await send(served, "PUT", "/batch", body)
    assert (status, said["detail"][0]["loc"]) == (422, place) if place else (status == 200)


async def test_texts_that_json_can_barely_say_are_kept(served: Served, spool: Spooling) -> None:
    odd = orjson.dumps({"items": [item(input={"k": "@"}, name="@")]}).replace(b'"@"', b'"\\ud800 \\u0000 NaN"')
    assert (await send(served, "PUT", "/batch", odd))[0] == 200
    nan = orjson.dumps({"items": [item(2, metadata={"loss": 0})]}).replace(b'"loss":0', b'"loss":NaN')
    assert (await send(served, "PUT", "/batch", nan))[0] == 200
    for depth, status in ((253, 200), (300, 422), (5000, 422)):
        metadata = b'"metadata":' + b'{"a":' * depth + b"1" + b"}" * depth
        nested = b'{"items":[' + orjson.dumps(item(3)).replace(b'"metadata":{}', metadata) + b"]}"
        assert (await send(served, "PUT", "/batch", nested))[0] == status
    spool.deliver()
    first = spool.taken[0]
    assert isinstance(first, AppSpan)
    assert first.name == "? \x00 NaN"
    assert drawn(spool.store, "trace-1").count("STANDALONE") == 3


async def test_the_requests_keys_are_not_kept(served: Served, spool: Spooling) -> None:
    full = {name: f"{name} {KEY}" for name in ("id", "trace_id", "parent_id", "group_id", "name")}
    holding = {name: {KEY: [f"see {KEY}"]} for name in ("input", "output", "metadata", "expected")}
    status, said = await put(served, item(**full, **holding), **{"x-api-key": KEY})
    assert status == 200
    assert KEY not in str(said)
    assert KEY not in repr(spool.taken)
    assert "*" * len(KEY) in spool.taken[0].trace_id


@pytest.mark.parametrize("how", ["setting", "header"])
async def test_content_that_is_not_to_be_kept_is_not(
    empty_store: RunningStore, questions: Questions, spool: Spooling, how: str
) -> None:
    chosen = empty_store.settings.model_copy(update={"capture": "metadata"} if how == "setting" else {})
    async with serving(SpansEndpoint(chosen, spool.append, questions)) as served:
        await put(served, item(expected={"said": "secret"}), **({"x-portkey-debug": "False"} if how == "header" else {}))
    (span,) = spool.taken
    assert isinstance(span, AppSpan)
    assert (span.input, span.output, span.expected, span.name) == ("", "", "", "step 1")


async def test_a_workspace_sees_its_own(served: Served, spool: Spooling) -> None:
    served.caller = Caller(key_id="k1", workspace="one", admin=False, tags={"team": "a"})
    _, said = await put(served, item(1, name="ones"))
    assert said["items"][0]["created_by"] == {"id": "k1", "type": "service_account"}
    served.caller = Caller(key_id="k2", workspace="two", admin=False)
    assert (await send(served, "GET", "/span-1"))[0] == 404
    await put(served, item(1, name="twos"))  # the same ids: neither writes over the other
    spool.deliver()
    for workspace, seen in (("one", ["ones"]), ("two", ["twos"]), ("", [])):
        served.caller = Caller(workspace=workspace, admin=False)
        _, found = await send(served, "POST", "/search", {"trace_ids": ["trace-1"]})
        assert [each["name"] for each in found["items"]] == seen
        status, span = await send(served, "GET", "/span-1")
        assert (status, span.get("name")) == ((200, seen[0]) if seen else (404, None))
    served.caller = Caller()
    _, found = await send(served, "POST", "/search", {})
    assert sorted(each["name"] for each in found["items"]) == ["ones", "twos"]


async def test_search(served: Served, spool: Spooling) -> None:
    await put(served, *[item(n, group_id="g" if n % 2 else None, parent_id="span-0" if n > 5 else None) for n in range(10)])
    await put(served, item(20, trace_id="other", status="ERROR", type="COMPLETION", **W3C))
    spool.deliver()

    async def found(body: Any = None, **query: Any) -> tuple[list[int], bool]:
        path = "/search?" + "&".join(f"{name}={value}" for name, value in query.items())
        status, said = await send(served, "POST", path, body)
        assert status == 200, said
        return [int(each["id"].removeprefix("span-")) for each in said["items"]], said["has_more"]

    assert await found() == ([20, *range(9, -1, -1)], False)
    assert await found({"trace_ids": ["other", "none"]}) == ([20], False)
    assert await found({"group_id": "g"}, sort_order="asc") == ([1, 3, 5, 7, 9], False)
    assert await found({"parents_only": True, "excluded_trace_ids": ["other"]}) == ([5, 4, 3, 2, 1, 0], False)
    assert await found({"parent_ids": ["span-0"], "excluded_span_ids": ["span-9"]}) == ([8, 7, 6], False)
    assert await found({"names": ["step 3"], "statuses": ["SUCCESS"], "types": ["STANDALONE"]}) == ([3], False)
    assert await found({"obs_trace_ids": [W3C["obs_trace_id"]], "obs_span_ids": [W3C["obs_span_id"]]}) == ([20], False)
    assert await found({"min_duration_ms": 6}) == ([], False)
    assert await found({"max_duration_ms": 5, "span_ids": ["span-1"]}) == ([1], False)
    late = (NOW + timedelta(milliseconds=8)).isoformat().replace("+", "%2B")
    assert await found(from_ts=late) == ([20, 9, 8], False)
    assert await found(to_ts=late, limit=2) == ([8, 7], True)
    pages = [await found(limit=4)]
    while pages[-1][1]:
        pages.append(await found(limit=4, starting_after=f"span-{pages[-1][0][-1]}"))
    assert [page for page, _ in pages] == [[20, 9, 8, 7], [6, 5, 4, 3], [2, 1, 0]]
    assert await found(limit=3, ending_before="span-3") == ([6, 5, 4], True)


@pytest.mark.parametrize(
    ("path", "body", "place"),
    [
        ("/search", {"search_texts": ["x"]}, ["body", "search_texts"]),
        ("/search", {"trace_ids": "x"}, ["body", "trace_ids"]),
        ("/search", [], ["body"]),
        ("/search?sort_by=input_tokens", {}, ["query", "sort_by"]),
        ("/search?limit=0", {}, ["query", "limit"]),
        ("/search?from_ts=2026-01-02&to_ts=2026-01-01", {}, ["query", "from_ts"]),
    ],
)
async def test_a_search_that_cannot_be_done_says_so(served: Served, path: str, body: Any, place: list[str]) -> None:
    status, said = await send(served, "POST", path, body)
    assert (status, said["detail"][0]["loc"]) == (422, place)


async def test_no_value_of_a_search_is_sql(served: Served, spool: Spooling) -> None:
    await put(served, item(1))
    spool.deliver()
    for nasty in ("' OR 1 --", "\\", "{x:String}", "$conditions", "\x00"):
        status, said = await send(served, "POST", "/search", {"names": [nasty], "group_id": nasty})
        assert (status, said["items"]) == (200, [])
        assert (await send(served, "GET", "/' OR 1=1 --"))[0] == 404


async def test_what_there_is_not(served: Served) -> None:
    assert (await send(served, "GET", "/nobody"))[0] == 404
    assert (await send(served, "PATCH", "/span-1", {"name": "x"}))[0] == 501
    for method, path in (("GET", ""), ("DELETE", "/span-1"), ("PUT", "")):
        status, said = await send(served, method, path)
        assert (status, isinstance(said["detail"], str)) == (405, True)


async def test_a_spool_that_takes_nothing_is_said(served: Served, spool: Spooling) -> None:
    spool.full = True
    status, said = await put(served, item())
    assert (status, isinstance(said["detail"], str)) == (503, True)


async def test_what_was_just_taken_is_read_though_the_store_is_away(tmp_path: Path, spool: Spooling) -> None:
    nowhere = spool.store.settings.model_copy(update={"store_port": 1})
    asked = Questions(nowhere)
    async with serving(SpansEndpoint(nowhere, spool.append, asked)) as served:
        await put(served, item())
        assert (await send(served, "GET", "/span-1"))[0] == 200
        assert (await send(served, "GET", "/other"))[0] == 503
    asked.close()


async def test_a_large_batch_does_not_hold_up_the_others(served: Served) -> None:
    large = [item(n, input={"text": "x" * 20_000}) for n in range(500)]
    async with asyncio.TaskGroup() as group:
        slow = group.create_task(put(served, *large))
        quick = group.create_task(send(served, "PATCH", "/x"))
    assert (slow.result()[0], quick.result()[0]) == (200, 501)


SENDER = Sender(Caller(), "", True, (), int(NOW.timestamp() * 1e9), 90)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(st.dictionaries(st.sampled_from([*item(), "obs_span_id", "parent_id", "x"]), JSON), JSON)
@settings(max_examples=200)
def test_whatever_comes_is_a_span_or_a_422(fields: dict[str, Any], other: Any) -> None:
    for body in ({"items": [item() | fields, other]}, {"items": [item() | fields]}, other):
        said: object = None
        try:
            said = [shown(span) for span in read_many(body, SENDER)]
        except Refused as refused:
            said = refused.body
        assert orjson.dumps(said)
        assert said


def test_recent_is_bounded_and_keeps_the_version_that_counts() -> None:
    recent: Recent[AppSpan] = Recent(3, 10_000)
    for number in range(5):
        recent.add(app_span(number))
    assert [recent.get(f"app-{n}") is not None for n in range(5)] == [False, False, True, True, True]
    recent.add(app_span(4, end_ns=0, received_ns=2**62))
    assert recent.get("app-4") == app_span(4)
    recent.add(full_app_span(9))
    huge = app_span(10, input="x" * 20_000)
    assert weight_of(huge) > 10_000
    recent.add(huge)
    assert [recent.get(f"app-{n}") for n in (4, 9, 10)] == [None, None, None]


async def test_scales_own_client_and_tracer(served: Served, spool: Spooling) -> None:
    client = SGPClient(base_url=served.url, api_key=KEY, account_id="acc")

    def trace() -> str:
        queue = TraceQueueManager(client=client, worker_enabled=False)
        with Trace("support", queue) as root:
            with Span("answer", root.trace_id, queue, parent_span_id=root.span_id, span_type="COMPLETION") as span:
                queue.flush_queue()  # both have started
                span.output = {"answer": f"not {KEY}"}
            with contextlib.suppress(KeyError), Span("broken", root.trace_id, queue, parent_span_id=root.span_id):
                raise KeyError("page")
        queue.flush_queue()
        return str(root.trace_id)

    trace_id = await asyncio.to_thread(trace)
    spool.deliver()
    tree_lines = drawn(spool.store, trace_id).splitlines()
    assert tree_lines[0].startswith(f"{trace_id}  0 calls  3 spans")
    assert [line.rpartition("  ")[0] for line in tree_lines[1:]] == [
        "└── support  TRACER  SUCCESS",
        "    ├── answer  COMPLETION  SUCCESS",
        "    └── broken  STANDALONE  ERROR KeyError",
    ]

    def read() -> list[Any]:
        return list(client.spans.search(trace_ids=[trace_id], sort_order="asc", limit=2))

    found = await asyncio.to_thread(read)
    assert [(span.name, span.account_id, span.status) for span in found] == [
        ("support", "acc", "SUCCESS"),
        ("answer", "acc", "SUCCESS"),
        ("broken", "acc", "ERROR"),
    ]
    assert found[1].output == {"answer": f"not {'*' * len(KEY)}"}
    client.close()
