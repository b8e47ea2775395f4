"""Feedback as Portkey's SDKs send it, through the spool into SQL."""

import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
from portkey_ai import AsyncPortkey

from tests.api.serving import Served, serving
from tests.api.spooling import Spooling, spooling
from tests.store.running import RunningStore
from tracer.api import feedback as module
from tracer.api.feedback import FeedbackEndpoint
from tracer.api.questions import Questions
from tracer.ids import uuid7
from tracer.registry.records import Caller
from tracer.signals import Feedback
from tracer.store import client as store_client

NOBODYS = "0b5e7a7e-9b1c-4f8e-8a54-3c1d2e6f7a90"
KEY = "pk-very-secret-key"


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
    async with serving(FeedbackEndpoint(empty_store.settings, spool.append, questions)) as running:
        yield running


async def send(served: Served, method: str, path: str, body: Any, **headers: str) -> tuple[int, dict[str, Any], str]:
    data = body if isinstance(body, bytes) else orjson.dumps(body)
    async with served.client.request(method, f"{served.url}{path}", data=data, headers=headers) as answer:
        return answer.status, orjson.loads(await answer.read()), answer.headers["Content-Type"]


async def post(served: Served, body: Any, **headers: str) -> tuple[int, dict[str, Any]]:
    status, said, _ = await send(served, "POST", "/v1/feedback", body, **headers)
    return status, said


def stored(store: RunningStore) -> list[tuple[Any, ...]]:
    with store_client.embedded(store.settings, write=False) as reader:
        query = "SELECT feedback_id, trace_id, value, weight, metadata FROM llm.feedback FINAL ORDER BY created_at"
        return list(reader.query(query).result_rows)


async def test_one_is_saved_and_in_sql(served: Served, spool: Spooling) -> None:
    status, said, kind = await send(served, "POST", "/v1/feedback", {"trace_id": "t-1", "value": 5, "metadata": {"a": "b"}})
    assert (status, kind) == (200, "application/json; charset=UTF-8")
    (name,) = said.pop("feedback_ids")
    assert said == {"status": "success", "message": "Feedback successfully saved"}
    spool.deliver()
    assert stored(spool.store) == [(UUID(name), "t-1", 5.0, 1.0, {"a": "b"})]


@pytest.mark.parametrize(
    "body",
    [
        [{"trace_id": f"t-{n}", "value": n, "weight": 0.5} for n in range(3)],
        {str(n): {"traceID": f"t-{n}", "value": n, "weight": 0.5} for n in (2, 0, 1)},  # as Node sends a list
    ],
    ids=["list", "node"],
)
async def test_many_are_saved_and_their_ids_are_in_order(served: Served, spool: Spooling, body: Any) -> None:
    status, said = await post(served, body)
    assert status == 200
    spool.deliver()
    assert [(str(row[0]), *row[1:4]) for row in stored(spool.store)] == [
        (name, f"t-{n}", float(n), 0.5) for n, name in enumerate(said["feedback_ids"])
    ]


async def test_more_than_ten_of_nodes_numbers_stay_in_order(served: Served, spool: Spooling) -> None:
    await post(served, {str(n): {"traceID": f"t-{n}", "value": 1} for n in range(12)})
    assert [record.trace_id for record in spool.taken] == [f"t-{n}" for n in range(12)]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ([], "031"),
        ({}, "032"),
        ("text", "032"),
        (None, "032"),
        ([{"trace_id": "t", "value": 1}, 5], "032"),
        ({"value": 5}, "032"),
        ({"trace_id": "", "value": 5}, "032"),
        ({"trace_id": 5, "value": 5}, "032"),
        ({"trace_id": "t"}, "032"),
        ({"trace_id": "t", "value": 10.5}, "033"),
        ({"trace_id": "t", "value": -11}, "033"),
        ({"trace_id": "t", "value": "5"}, "033"),
        ({"trace_id": "t", "value": True}, "033"),
        ({"trace_id": "t", "value": None}, "033"),
        (b'{"trace_id": "t", "value": NaN}', "033"),
        (b'{"trace_id": "t", "value": 1e999}', "033"),
        (b'{"trace_id": "t", "value": ' + b"9" * 400 + b"}", "033"),
        ({"0": {"traceID": "t", "value": 1}, "1": {"traceID": "t"}}, "032"),
    ],
    ids=str,
)
async def test_what_is_wrong_has_portkeys_code_and_nothing_of_it_is_kept(
    served: Served, spool: Spooling, body: Any, code: str
) -> None:
    status, said = await post(served, body)
    assert (status, said["status"]) == (400, "failure")
    assert said["message"] == said["error"]["message"] == f"Portkey Error: Invalid Request Body. Error code: {code}"
    assert said["error"]["code"] == code
    assert spool.taken == []


@pytest.mark.parametrize("weight", [-0.1, 1.5, "heavy", None, True, [1]])
async def test_a_weight_out_of_range_is_one(served: Served, spool: Spooling, weight: Any) -> None:
    assert (await post(served, {"trace_id": "t", "value": -10, "weight": weight}))[0] == 200
    (record,) = spool.taken
    assert isinstance(record, Feedback)
    assert (record.value, record.weight) == (-10, 1)


async def test_metadata_is_text_of_bounded_length_and_the_keys_tags_win(served: Served, spool: Spooling) -> None:
    served.caller = Caller(key_id="key_1", workspace="ws", tags={"team": "search"})
    sent = {"team": "mine", "long" * 100: "x" * 1000, "list": [1, 2], "none": None, "no": False, "zero": 0}
    await post(served, {"trace_id": "t", "value": 1, "metadata": sent})
    await post(served, b'{"trace_id": "t\\ud800", "value": 1, "metadata": {"k": "\\ud800", "deep": NaN}}')
    await post(served, {"trace_id": "t", "value": 1, "metadata": "text"})
    first, second, third = spool.taken
    assert first.metadata == {
        "team": "search",
        ("long" * 100)[:128]: "x" * 128,
        "list": "[1,2]",
        "none": "",
        "no": "false",
        "zero": "0",
    }
    assert (first.key_id, first.workspace) == ("key_1", "ws")
    assert (second.trace_id, second.metadata["k"]) == ("t?", "?")
    assert third.metadata == {"team": "search"}


async def test_an_update_is_a_new_version_and_keeps_what_it_does_not_say(served: Served, spool: Spooling) -> None:
    _, said = await post(served, {"trace_id": "t", "value": 1, "weight": 0.25, "metadata": {"a": "b"}})
    (name,) = said["feedback_ids"]
    spool.deliver()
    for body in ({"value": -3}, {"value": 7, "weight": 1, "metadata": {"c": "d"}}):
        status, said, _ = await send(served, "PUT", f"/v1/feedback/{name}", body)
        assert (status, said) == (
            200,
            {"status": "success", "message": "Feedback successfully updated", "feedback_ids": [name]},
        )
        spool.deliver()
        metadata = body.get("metadata", {"a": "b"})
        assert stored(spool.store) == [(UUID(name), "t", body["value"], body.get("weight", 0.25), metadata)]


async def test_an_update_wins_though_the_clock_goes_back(
    served: Served, spool: Spooling, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, said = await post(served, {"trace_id": "t", "value": 1})
    before = time.time_ns()
    monkeypatch.setattr(time, "time_ns", lambda: before - 10**12)
    await send(served, "PUT", f"/v1/feedback/{said['feedback_ids'][0]}", {"value": 2})
    monkeypatch.undo()
    spool.deliver()
    assert [row[2] for row in stored(spool.store)] == [2.0]


async def test_an_update_reaches_what_another_worker_took(
    served: Served, spool: Spooling, questions: Questions, empty_store: RunningStore
) -> None:
    _, said = await post(served, {"trace_id": "t", "value": 1})
    spool.deliver()
    async with serving(FeedbackEndpoint(empty_store.settings, spool.append, questions)) as other:
        status, _, _ = await send(other, "PUT", f"/v1/feedback/{said['feedback_ids'][0]}", {"value": 2})
    assert status == 200


async def test_a_young_id_is_waited_for(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[str] = []
    real = Questions.rows

    async def counting(self: Questions, sql: str, parameters: dict[str, Any]) -> Any:
        looked.append(parameters["feedback_id"])
        return await real(self, sql, parameters)

    monkeypatch.setattr(Questions, "rows", counting)
    monkeypatch.setattr(module, "_LOOK_AGAIN_SECONDS", 0.01)
    monkeypatch.setattr(module, "_ARRIVES_MS", 200)
    assert (await send(served, "PUT", f"/v1/feedback/{uuid7(time.time_ns(), 5)}", {"value": 2}))[0] == 404
    assert len(looked) > 1
    looked.clear()
    assert (await send(served, "PUT", f"/v1/feedback/{uuid7(time.time_ns() - 10**10, 5)}", {"value": 2}))[0] == 404
    assert len(looked) == 1


@pytest.mark.parametrize(
    ("name", "body", "status", "code"),
    [
        (NOBODYS, {"value": 1}, 404, ""),
        ("../../etc/passwd", {"value": 1}, 404, ""),
        ("x' OR 1=1 --", {"value": 1}, 404, ""),
        (NOBODYS, [{"value": 1}], 400, "031"),
        (NOBODYS, {"0": {"value": 1}}, 400, "031"),
        (NOBODYS, {"weight": 1}, 400, "032"),
        (NOBODYS, {"value": 100}, 400, "033"),
    ],
)
async def test_an_update_of_nothing_or_with_nothing(served: Served, name: str, body: Any, status: int, code: str) -> None:
    answered, said, _ = await send(served, "PUT", f"/v1/feedback/{name}", body)
    assert (answered, said["error"]["code"], said["status"]) == (status, code, "failure")


async def test_another_workspaces_feedback_is_not_there(served: Served, spool: Spooling) -> None:
    served.caller = Caller(key_id="k1", workspace="one", admin=False)
    _, said = await post(served, {"trace_id": "t", "value": 1})
    path = f"/v1/feedback/{said['feedback_ids'][0]}"
    _, of_nobody, _ = await send(served, "PUT", f"/v1/feedback/{uuid4()}", {"value": 2})
    spool.deliver()
    for caller in (Caller(workspace="two"), Caller(workspace="two", admin=True), Caller(admin=False)):
        served.caller = caller
        status, answer, _ = await send(served, "PUT", path, {"value": 2})
        assert (status, answer) == (404, of_nobody)
    served.caller = Caller(workspace="", admin=True)
    assert (await send(served, "PUT", path, {"value": 2}))[0] == 200


async def test_the_callers_key_is_not_kept(served: Served, spool: Spooling) -> None:
    body = {"trace_id": f"t {KEY}", "value": 1, "metadata": {KEY: f"see {KEY}"}}
    _, said = await post(served, body, **{"x-portkey-api-key": KEY})
    await send(
        served,
        "PUT",
        f"/v1/feedback/{said['feedback_ids'][0]}",
        {"value": 1, "metadata": {"k": KEY}},
        Authorization=f"Bearer {KEY}",
    )
    assert len(spool.taken) == 2
    assert KEY not in repr(spool.taken)


async def test_a_spool_that_takes_nothing_is_said(served: Served, spool: Spooling) -> None:
    spool.full = True
    status, said = await post(served, {"trace_id": "t", "value": 1})
    assert (status, said["status"]) == (503, "failure")


async def test_other_methods_and_too_many(served: Served) -> None:
    assert (await send(served, "GET", "/v1/feedback", {}))[0] == 405
    assert (await send(served, "DELETE", f"/v1/feedback/{uuid4()}", {}))[0] == 405
    assert (await send(served, "POST", f"/v1/feedback/{uuid4()}", {}))[0] == 405
    status, said = await post(served, [{"trace_id": "t", "value": 1}] * 1001)
    assert (status, "at most 1000" in said["message"]) == (400, True)


async def test_portkeys_own_client(served: Served, spool: Spooling) -> None:
    client = AsyncPortkey(api_key="pk-1", base_url=f"{served.url}/v1")
    saved = await client.feedback.create(trace_id="t-1", value=5, weight=0.5, metadata={"_user": "ada"})
    assert saved.status == "success"
    (name,) = saved.feedback_ids
    bulk = await client.feedback.bulk_create(feedbacks=[{"trace_id": "t-2", "value": 1}, {"trace_id": "t-3", "value": -1}])
    assert len(bulk.feedback_ids) == 2
    updated = await client.feedback.update(feedback_id=name, value=-5)
    assert updated.feedback_ids == [name]
    await client.close()
    spool.deliver()
    assert [row[1:] for row in stored(spool.store)] == [
        ("t-1", -5.0, 0.5, {"_user": "ada"}),
        ("t-2", 1.0, 1.0, {}),
        ("t-3", -1.0, 1.0, {}),
    ]
