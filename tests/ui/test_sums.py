"""The hours' sums and the calls themselves give the same answers, column by column."""

import math
from datetime import timedelta
from typing import Any

import orjson
import pytest

from tests.traffic.million import Traffic
from tracer.store.client import run_query
from tracer.ui import sums
from tracer.ui.queries import sql
from tracer.ui.times import TimeRange


def answers(traffic: Traffic, question: str, time: TimeRange, **values: Any) -> list[dict[str, Any]]:
    text = sql(question, visible="true", visible_workspace="true", **sums.source(time).parts)
    whole = f"{text} SETTINGS output_format_json_quote_64bit_integers = 0"
    given = {**time.values, "limit": 100_000, "names": ["pp-support-a1b2"], **values}
    bound = {name: value for name, value in given.items() if f"{{{name}:" in text}
    return [orjson.loads(line) for line in b"".join(run_query(traffic.settings, whole, "JSONEachRow", bound)).splitlines()]


def near(one: Any, other: Any) -> bool:
    """Equal; digests that were merged in another order may differ a little."""
    if isinstance(one, float) or isinstance(other, float):
        return one == other or (one is not None and other is not None and math.isclose(one, other, rel_tol=0.05))
    return bool(one == other)


@pytest.mark.parametrize("question", ["fingerprints", "prompts", "prompt-versions"])
def test_both_sources_say_the_same(traffic: Traffic, question: str) -> None:
    start = (traffic.end - timedelta(days=20)).replace(minute=0, second=0)
    hours = TimeRange(start, start + timedelta(days=10), "")
    calls = TimeRange(start - timedelta(microseconds=1), start + timedelta(days=10), "")
    assert sums.source(hours).parts["table"] == "llm.calls_by_hour"
    assert sums.source(calls).parts["table"] == "llm.calls"
    by_hour, by_call = answers(traffic, question, hours), answers(traffic, question, calls)
    assert len(by_hour) == len(by_call) > 1
    for one, other in zip(by_hour, by_call, strict=True):
        assert one.keys() == other.keys()
        assert not {name: (one[name], other[name]) for name in one if not near(one[name], other[name])}, one
