"""What a process that died leaves in the log: what began and did not end, once, however recovery itself was cut short."""

import errno
import os
import shutil
import threading
import time
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer.spool import durable, reader, segment, unfinished
from tracer.spool.segment import Place
from tracer.spool.writer import Writer


def key(number: int) -> bytes:
    return number.to_bytes(16, "big")


def records(log: Path) -> list[bytes]:
    found: list[bytes] = []
    after = Place()
    while batch := reader.next_batch(log, after, max_records=1000, max_bytes=1 << 26):
        found += [record.payload for record in batch.records]
        after = batch.batch.after
    return found


STEP = st.tuples(st.sampled_from(["began", "ended", "clear"]), st.integers(0, 4), st.binary(max_size=40))
STEPS = st.lists(STEP, max_size=30)


@given(STEPS)
def test_what_began_and_did_not_end(tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int, bytes]]) -> None:
    log = tmp_path_factory.mktemp("log")
    notes, expected = unfinished.Notes(log), dict[int, bytes]()
    for what, number, record in steps:
        if what == "began":
            notes.began(key(number), record)
            expected[number] = record
        elif what == "ended" and number in expected:
            notes.ended(key(number))
            del expected[number]
        elif what == "clear":
            notes.clear()
            expected.clear()
    assert unfinished.recover(log) == len(expected)
    assert sorted(records(log)) == sorted(expected.values())
    assert unfinished.recover(log) == 0
    assert len(records(log)) == len(expected)


@pytest.mark.parametrize("call", ["unlink", "rename"])
@pytest.mark.parametrize("times", [0, 1, 2])
def test_recovery_that_is_cut_short_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, times: int) -> None:
    notes = unfinished.Notes(tmp_path)
    notes.began(key(1), b"one")
    notes.began(key(2), b"two")
    notes.ended(key(1))
    left = times
    usual = getattr(Path, call)

    def dying(path: Path, *args: object, **kwargs: object) -> object:
        nonlocal left
        if left == 0:
            raise KeyboardInterrupt
        left -= 1
        return usual(path, *args, **kwargs)

    monkeypatch.setattr(Path, call, dying)
    try:
        unfinished.recover(tmp_path)
    except KeyboardInterrupt:
        assert call == "rename" or times == 0
    monkeypatch.undo()
    unfinished.recover(tmp_path)
    assert records(tmp_path) == [b"two"]


def test_notes_of_another_boot_are_dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    notes = unfinished.Notes(tmp_path)
    notes.began(key(1), b"one")
    other = tmp_path / "boot_id"
    other.write_text("another")
    monkeypatch.setattr(unfinished, "_BOOT_ID", other)
    assert unfinished.recover(tmp_path) == 0
    assert records(tmp_path) == []
    assert not (tmp_path / unfinished.NOTES).exists()


def test_a_torn_note_costs_itself(tmp_path: Path) -> None:
    notes = unfinished.Notes(tmp_path)
    notes.began(key(1), b"one")
    notes.began(key(2), b"two")
    path = tmp_path / unfinished.NOTES
    os.truncate(path, path.stat().st_size - 1)
    assert unfinished.recover(tmp_path) == 1
    assert records(tmp_path) == [b"one"]


def test_a_writer_recovers_what_the_last_one_left_and_writes_behind_it(tmp_path: Path) -> None:
    def writer() -> Writer[bytes]:
        return Writer(tmp_path, bytes, max_bytes=1 << 20, segment_bytes=1 << 16, gather_seconds=0)

    first = writer()
    first.append(b"whole", 5)
    first.notes.began(key(1), b"left")
    notes = (tmp_path / unfinished.NOTES).read_bytes()
    first.close()
    assert not (tmp_path / unfinished.NOTES).exists()  # closed in order: nothing is left
    (tmp_path / unfinished.NOTES).write_bytes(notes)  # as if it had died
    second = writer()
    second.append(b"after", 5)
    second.close()
    assert records(tmp_path) == [b"whole", b"left", b"after"]
    left = segment.parse(segment.path(tmp_path, 2).read_bytes(), 0, max_records=9, final=True).records
    assert [time.time_ns() - record.written_ns < 60e9 for record in left] == [True]  # else the sink drops them for their age
    assert segment.numbers(tmp_path) == [1, 2, 3]


def test_a_record_that_was_handed_over_is_unfinished_until_it_is_on_disk(tmp_path: Path) -> None:
    """`strict`: the client waits for the commit, so its worker's death in that moment cuts the call."""
    log, died = tmp_path / "w0", tmp_path / "died"
    writer = Writer[bytes](log, bytes, max_bytes=1 << 20, segment_bytes=1 << 16, gather_seconds=0.3)
    writer.notes.began(key(1), b"as noted")
    writer.append(b"whole", 5, noted=key(1))
    shutil.copytree(log, died)
    writer.close()
    assert unfinished.recover(died) == 1
    assert records(died) == [b"as noted"]
    assert records(log) == [b"whole"]


@pytest.mark.parametrize("segments", [1, 2])
def test_a_record_that_is_on_disk_is_not_unfinished_though_nobody_noted_its_end(tmp_path: Path, segments: int) -> None:
    one, two = uuid4(), uuid4()
    writer = Writer[bytes](tmp_path, bytes, max_bytes=1 << 20, segment_bytes=1 if segments == 2 else 1 << 16, gather_seconds=0)
    for call in (one, two):
        writer.notes.began(call.bytes, b"noted " + str(call).encode())
    on_disk = threading.Event()
    writer.append(b"whole " + str(one).encode() + b" beside " + str(two).encode(), 80, lambda _: on_disk.set())
    assert on_disk.wait(10)
    os.close(writer._lock)  # as its death would
    assert unfinished.recover(tmp_path) == 1
    assert [record[:5] for record in records(tmp_path)] == [b"whole", b"noted"]
    assert records(tmp_path)[1].endswith(str(two).encode())


def test_ends_are_noted_for_what_the_bound_drops_too(tmp_path: Path) -> None:
    writer = Writer[bytes](tmp_path, bytes, max_bytes=10, segment_bytes=1 << 16, drop_old=False, gather_seconds=0)
    writer.notes.began(key(1), b"noted")
    told = threading.Event()
    writer.append(b"x" * 100, 100, lambda _: told.set(), noted=key(1))
    assert told.wait(10)
    until = time.monotonic() + 10
    while not writer.notes.may_be_cleared:
        assert time.monotonic() < until
    os.close(writer._lock)
    assert unfinished.recover(tmp_path) == 0


def test_a_disk_that_takes_no_notes_costs_nothing_else(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    notes = unfinished.Notes(tmp_path / "gone")
    notes.began(key(1), b"one")
    notes.ended(key(1))
    notes.clear()
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def fill_up(monkeypatch: pytest.MonkeyPatch, bytes_left: int) -> None:
    """The disk takes so much more, and of the last note the part that fits."""
    write, room = os.write, bytes_left

    def filling(file: int, data: bytes) -> int:
        nonlocal room
        if not room:
            raise OSError(errno.ENOSPC, "full")
        written = write(file, data[:room])
        room -= written
        return written

    monkeypatch.setattr(unfinished.os, "write", filling)


@pytest.mark.parametrize("bytes_left", range(80))
def test_an_end_that_a_full_disk_refuses_is_noted_with_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bytes_left: int
) -> None:
    """Its record is on disk, and may be far from the end of the log when the process dies."""
    notes = unfinished.Notes(tmp_path)
    for number in (1, 2, 3, 4):
        notes.began(key(number), b"record %d" % number)
    fill_up(monkeypatch, bytes_left)
    notes.ended(key(1))
    notes.ended(key(2))
    monkeypatch.undo()
    notes.ended(key(3))
    assert unfinished.recover(tmp_path) == 1
    assert records(tmp_path) == [b"record 4"]


def test_what_a_full_disk_did_not_take_owes_no_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a disk that is full for an hour would be offered the ends of all of the hour's calls with each commit."""
    notes = unfinished.Notes(tmp_path)
    notes.began(key(1), b"one")
    offered: list[int] = []

    def write(file: int, data: bytes) -> int:
        offered.append(len(data))
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", write)
    for number in range(2, 100):
        notes.began(key(number), b"")
        notes.ended(key(number))
    assert len(offered) == 98  # the beginnings
    notes.ended(key(1))
    notes.ended(key(100))
    assert offered[98:] == [offered[0], offered[0]]  # one end, twice
    monkeypatch.undo()
    notes.ended(key(101))
    assert unfinished.recover(tmp_path) == 0


@pytest.mark.parametrize("bytes_left", range(0, 57, 4))
def test_notes_of_another_boot_are_dropped_though_the_disk_was_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bytes_left: int
) -> None:
    notes = unfinished.Notes(tmp_path)
    notes.began(key(1), b"one")
    fill_up(monkeypatch, bytes_left)
    notes.clear()
    notes.began(key(2), b"two")
    monkeypatch.undo()
    notes.began(key(3), b"three")
    with monkeypatch.context() as rebooted:
        rebooted.setattr(unfinished, "_boot", lambda: b"another")
        assert unfinished.recover(tmp_path) == 0


def test_a_writer_that_starts_on_a_full_disk_writes_once_there_is_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the last one left unfinished waits for the next start."""
    log = tmp_path / "w0"
    made = Writer[bytes](log, bytes, max_bytes=1 << 20, segment_bytes=1 << 16)
    made.notes.began(key(1), b"cut")
    os.close(made._lock)  # as its death would
    sync, full = durable.sync_folder, True

    def refusing(folder: Path) -> None:
        if full:
            raise OSError(errno.ENOSPC, "No space left on device")
        sync(folder)

    monkeypatch.setattr(durable, "sync_folder", refusing)
    again = Writer[bytes](log, bytes, max_bytes=1 << 20, segment_bytes=1 << 16)
    assert not again.healthy
    again.notes.began(key(2), b"not noted")
    again.notes.ended(key(2))
    full = False
    assert again.append(b"answered meanwhile", 18)
    again.close()
    assert again.healthy
    assert records(log) == [b"answered meanwhile"]
    Writer[bytes](log, bytes, max_bytes=1 << 20, segment_bytes=1 << 16).close()
    assert records(log) == [b"answered meanwhile", b"cut"]


def test_any_other_refusal_at_the_start_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refusing(folder: Path) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(durable, "sync_folder", refusing)
    with pytest.raises(OSError, match="Read-only"):
        Writer[bytes](tmp_path / "w0", bytes, max_bytes=1 << 20, segment_bytes=1 << 16)
