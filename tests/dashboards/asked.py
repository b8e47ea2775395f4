"""Ask the store as Grafana's plugin would, and keep what came: columns with their types, rows, and the time that it took."""

import json
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

from tests.dashboards.grafana import ALL, Shown, Value
from tests.traffic.million import Traffic

# By question and scope; where the first try was slow, the faster of two: the first also reads from the disk.
_SLOW_MS = 200
TIMES: dict[str, dict[str, float]] = {}

NOTHING_CHOSEN: dict[str, Value] = {
    "ds": "tracer-clickhouse",
    "provider": (ALL,),
    "model": (ALL,),
    "user": (ALL,),
    "key": "team",
    "value": (ALL,),
    "outcome": (ALL,),
    "search": "",
    "slower": "",
    "trace": "",
    "call": "",
    "stall": "2000",
}


@dataclass(frozen=True)
class Answer:
    """Columns with their types, and rows."""

    types: dict[str, str]
    rows: list[list[Any]]

    @property
    def records(self) -> list[dict[str, Any]]:
        return [dict(zip(self.types, row, strict=True)) for row in self.rows]

    def column(self, name: str) -> list[Any]:
        place = list(self.types).index(name)
        return [row[place] for row in self.rows]


def ask(url: str, sql: str) -> Answer:
    """The answer of the store at `url` to SQL that ClickHouse understands, as anybody who may read gets it."""
    try:
        with urllib.request.urlopen(f"{url}?default_format=JSONCompact", sql.encode(), timeout=60) as reply:
            found = json.loads(reply.read())
    except urllib.error.HTTPError as error:
        raise AssertionError(f"{error.read().decode()}\n\n{sql}") from None
    return Answer({each["name"]: each["type"] for each in found["meta"]}, found["data"])


def timed(traffic: Traffic, name: str, scope: str, sql: str, shown: Shown) -> Answer:
    """The answer to a panel's SQL, noted with its time."""
    filled = shown.fill(sql)
    answer, took_ms = _measured(traffic.url, filled)
    if took_ms > _SLOW_MS:
        answer, again_ms = _measured(traffic.url, filled)
        took_ms = min(took_ms, again_ms)
    TIMES.setdefault(name, {})[scope] = took_ms
    return answer


def _measured(url: str, sql: str) -> tuple[Answer, float]:
    began = time.perf_counter()
    answer = ask(url, sql)
    return answer, (time.perf_counter() - began) * 1000
