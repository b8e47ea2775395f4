"""The three official clients run the same statements against the store and get the same answers."""

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from exporters import clickhouse
from tests.store.clients import plain
from tests.store.clients.programs import by_go, by_node
from tests.store.running import RunningStore
from tests.store.samples import call, full_call
from tracer.store.secret import password

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

STATEMENTS: list[dict[str, Any]] = json.loads(Path(__file__).with_name("statements.json").read_text())


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStore]:
    """A store with a few calls, one of them with everything."""
    with RunningStore(tmp_path_factory.mktemp("clients")) as store:
        exporter = clickhouse.open(store.settings)
        calls = [full_call(1), call(2), call(3, provider="groq", cost_usd=Decimal("0.5")), call(4, cost_usd=None)]
        exporter.export(calls, "clients")
        exporter.close()
        yield store


@pytest.fixture(scope="module")
def expected(filled: RunningStore) -> list[Any]:
    return plain.run(task(filled, "connect", False))


def task(store: RunningStore, client: str, compress: str | bool) -> dict[str, Any]:
    return {
        "name": f"{client}_{compress}",  # of its table and its session
        "host": "127.0.0.1",
        "port": store.port,
        "password": password(store.settings.data_dir),
        "compress": compress,
        "statements": STATEMENTS,
    }


def test_there_are_thirty_of_them_and_they_come_out_as_meant(expected: list[Any]) -> None:
    assert len(STATEMENTS) >= 30
    for statement, answer in zip(STATEMENTS, expected, strict=True):
        assert answer == "done" or answer.get("error") == statement.get("error"), (statement, answer)
    by_sql = {statement.get("sql"): answer for statement, answer in zip(STATEMENTS, expected, strict=True)}
    assert by_sql["SELECT 1 AS one, 'x' AS x"] == {"columns": ["one", "x"], "rows": [["1", "x"]]}
    assert by_sql["SELECT sum(a) AS s FROM kept"] == {"error": 60}
    everything = by_sql["SELECT * EXCEPT (itl_digest) FROM llm.calls ORDER BY call_id"]
    assert len(everything["rows"]) == 4
    assert "123456.000000000001" in everything["rows"][0]


@pytest.mark.parametrize("compress", [True, "lz4", "gzip"])
def test_clickhouse_connect(filled: RunningStore, expected: list[Any], compress: str | bool) -> None:
    assert plain.run(task(filled, "connect", compress)) == expected


@pytest.mark.parametrize("compress", [False, True])
def test_node(filled: RunningStore, expected: list[Any], compress: bool) -> None:
    assert by_node(task(filled, "node", compress)) == expected


@pytest.mark.parametrize("compress", ["", "gzip", "lz4", "zstd", "br", "deflate"])
def test_go(filled: RunningStore, expected: list[Any], compress: str) -> None:
    assert by_go(task(filled, "go", compress)) == expected
