"""The power goes at any moment, and the disk holds what it may: what was synced is delivered, once, and all else goes on."""

import random
import shutil
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.spool import power
from tracer.spool import positions, reader, spool_dir, unfinished
from tracer.spool.positions import Position
from tracer.spool.writer import Writer

NAMES = ["a", "b"]
# What happens: a record of so many bytes is appended and waited for; it was noted as begun before; an exporter takes one batch.
APPEND, NOTED, TAKE = "append", "noted", "take"
STEP = st.one_of(
    st.tuples(st.just(APPEND), st.integers(10, 1500)),
    st.tuples(st.just(NOTED), st.integers(10, 700)),
    st.tuples(st.just(TAKE), st.integers(0, 1)),
)
STEPS = st.lists(STEP, min_size=2, max_size=14)


def payload(number: int, size: int) -> bytes:
    return f"{number:04d}".encode() + b"x" * size


@dataclass
class World:
    """What is outside the machine: backends that know each token, and callers that were told that theirs is on disk."""

    events: Callable[[], int]
    rows: dict[str, list[tuple[int, str, list[bytes]]]] = field(default_factory=lambda: {name: [] for name in NAMES})
    told: list[tuple[int, bytes]] = field(default_factory=list)

    def export(self, name: str, token: str, records: Sequence[bytes]) -> None:
        if token not in {known for _, known, _ in self.rows[name]}:
            self.rows[name].append((self.events(), token, list(records)))

    def at(self, event: int) -> "World":
        """The same, as it was when the power went: what began later never happened."""
        past = World(lambda: event)
        past.rows = {name: [row for row in rows if row[0] <= event] for name, rows in self.rows.items()}
        past.told = [told for told in self.told if told[0] <= event]
        return past

    def stored(self, name: str) -> list[bytes]:
        return [record for _, _, records in self.rows[name] for record in records]


def opened(log: Path) -> Writer[bytes]:
    return Writer(log, bytes, max_bytes=1 << 30, segment_bytes=2000, gather_seconds=0.0)


def take(log: Path, name: str, world: World, most: int = 3) -> bool:
    """One batch, as a drain delivers it."""
    position = positions.load(log, name)
    batch = position.pending
    if batch is None:
        found = reader.next_batch(log, position.taken, max_records=most, max_bytes=1 << 20)
        if found is None:
            return False
        batch = found.batch
        positions.store(log, name, Position(position.taken, batch))
    world.export(name, reader.token(log, batch), [record.payload for record in reader.read_batch(log, batch)])
    positions.store(log, name, Position(batch.after))
    positions.remove_taken(log, NAMES)
    return True


def lived(folder: Path, steps: Sequence[tuple[str, int]]) -> tuple[power.Disk, World]:
    """A worker and a sink, through these steps, until the power goes."""
    with power.recorded(folder) as disk:
        world, log = World(lambda: len(disk.events) - 1), spool_dir(folder) / "w0"
        writer = opened(log)
        for number, (what, how) in enumerate(steps):
            if what == TAKE:
                take(log, NAMES[how], world)
                continue
            record, on_disk, key = payload(number, how), threading.Event(), number.to_bytes(16, "big")
            if what == NOTED:
                writer.notes.began(key, record)
            noted = key if what == NOTED else None
            writer.append(record, len(record), lambda _, on_disk=on_disk: on_disk.set(), noted=noted)  # type: ignore[misc]
            assert on_disk.wait(10)
            world.told.append((len(disk.events) - 1, record))
        disk.look()
        writer.close()
    return disk, world


def gone_on(folder: Path, world: World) -> None:
    """The machine is up again, under another boot id: a worker opens its log, and everything is delivered."""
    log = spool_dir(folder) / "w0"
    opened(log).close()
    for name in NAMES:
        while take(log, name, world, most=2):
            pass


def wrong(world: World, steps: Sequence[tuple[str, int]]) -> list[str]:
    appended = {payload(number, how) for number, (what, how) in enumerate(steps) if what != TAKE}
    told = {record for _, record in world.told}
    found = []
    for name in NAMES:
        stored = world.stored(name)
        found += ["twice"] * (len(stored) != len(set(stored)))
        found += ["lost"] * (not told <= set(stored))
        found += ["made up"] * (not set(stored) <= appended)
    return found


@pytest.fixture(autouse=True)
def each_start_is_another_boot(monkeypatch: pytest.MonkeyPatch) -> None:
    boots = iter(range(1 << 30))
    monkeypatch.setattr(unfinished, "_boot", lambda: str(next(boots)).encode())


@settings(max_examples=60, deadline=None)
@given(STEPS, st.data())
def test_what_a_caller_was_told_is_delivered_once(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]], data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("disk") / "data"
    folder.mkdir()
    disk, world = lived(folder, steps)
    event = data.draw(st.integers(0, len(disk.events) - 1))
    disk.cut(event, data.draw(st.randoms(use_true_random=False)).randrange, folder)
    world = world.at(event)
    gone_on(folder, world)
    assert wrong(world, steps) == []


UNDONE = {
    "": None,
    "folders are not synced": ("tracer.spool.durable.sync_folder", lambda _: None),
    "the id is not synced": ("tracer.spool.writer._make_id", lambda log: (log / "id").write_text(uuid4().hex)),
    "records are not synced": ("tests.spool.power.SYNCS", ("fsync",)),
}
DAY = [(NOTED, 300), (APPEND, 1400), (TAKE, 0), (APPEND, 600), (APPEND, 40), (TAKE, 1), (TAKE, 0), (NOTED, 200), (TAKE, 1)]


@pytest.mark.parametrize("undone", UNDONE)
def test_at_every_moment_of_a_day_and_not_without_each_sync(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, undone: str
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    with monkeypatch.context() as patched:
        if change := UNDONE[undone]:
            patched.setattr(*change)
        disk, world = lived(folder, DAY)
    found = []
    for event in range(len(disk.events)):
        for seed in range(4):
            disk.cut(event, random.Random(seed).randrange, folder)
            then = world.at(event)
            gone_on(folder, then)
            found += wrong(then, DAY)
            shutil.rmtree(folder)
    assert bool(found) is bool(undone), sorted(set(found))
