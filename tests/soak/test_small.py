"""A run of seconds: real processes, a fault of each sort that is quick, and all counts equal. `make soak` is the long one."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.soak import run
from tests.soak.happenings import HAPPENINGS

QUICK = ("worker-killed", "sink-killed", "store-hangs", "otlp-500", "provider-reset", "clients-leave")


@pytest.mark.slow
@pytest.mark.timeout(400)  # a quarter of a minute, on a machine that does nothing else
async def test_nothing_is_lost_or_doubled_in_seconds(tmp_path: Path) -> None:
    among = tuple(replace(one, hard=False) for one in HAPPENINGS if one.name in QUICK)
    plan = replace(run.plan(12, 3, 40), spell_s=0.6, pause_s=0.4, happenings=among)
    found = await run.soak(plan, tmp_path, print)
    assert found.broken == []
    assert {event.name for event in found.events} == set(QUICK)
    assert found.counts["sent"] > 200
    assert found.counts["distinct rows"] == found.counts["calls with a row"] == found.counts["distinct spans"] > 0
    assert len(found.samples) > 5
    assert set(found.samples[-1].processes) == {"worker 0", "worker 1", "sink", "store"}
