"""Two of the faults in small, on one set of real processes: `make faults` has all of them in full."""

import asyncio
from pathlib import Path

import pytest

from tests.faults import killed, scene
from tests.faults.records import Run


@pytest.mark.slow
async def test_under_strict_nothing_is_lost_by_kills_nor_doubled_by_lost_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scene, "WARM_S", 0)
    monkeypatch.setattr(scene, "BEFORE_S", 0.5)
    monkeypatch.setattr(
        killed, "NOTED_S", 1.0
    )  # calls are noted when they are 50 ms old, by a worker that gets some of the processor
    run = Run(tmp_path, 2, print)
    async with scene.scene(run, gated=True, TRACER_DURABILITY="strict", TRACER_BATCH_WAIT="0.1") as at:
        assert at.gate
        async with at.fault():
            at.gate.be("cut-after")  # inserts are done, and nobody hears of it
            for _ in range(run.times):
                await asyncio.sleep(0.4)
                at.kills.append(at.tracer.kill("worker"))
                await at.tracer.start("worker")
            async with asyncio.timeout(20):
                while not at.gate.struck:
                    await asyncio.sleep(0.05)
            at.gate.be("pass")
        row = await at.row(*killed.WORKER_STRICT)
    assert row.broken == ()
    assert row.stored >= row.answered > 0
    assert row.served >= row.answered
