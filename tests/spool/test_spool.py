"""The spool against a list: what was appended is delivered once, in order, whatever is closed, reopened or killed."""

import threading
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from prometheus_client import REGISTRY

from tracer.spool import logs, positions, reader, segment, spool_dir
from tracer.spool.positions import Position
from tracer.spool.segment import Place
from tracer.spool.writer import SpoolInUse, Writer


def dropped(reason: str) -> float:
    return REGISTRY.get_sample_value("tracer_dropped_records_total", {"reason": reason}) or 0.0


def open_writer(log: Path, **options: object) -> Writer[bytes]:
    defaults: dict[str, object] = {"max_bytes": 1 << 30, "segment_bytes": 1 << 20, "gather_seconds": 0.0}
    return Writer(log, bytes, **{**defaults, **options})  # type: ignore[arg-type]


def write(log: Path, *bodies: bytes, **options: object) -> None:
    writer = open_writer(log, **options)
    for body in bodies:
        writer.append(body, len(body))
    writer.close()


def take_all(log: Path, exporter: str, max_records: int = 1000, max_bytes: int = 1 << 20) -> list[bytes]:
    """Deliver everything to `exporter`, acknowledging each batch."""
    taken: list[bytes] = []
    while found := reader.next_batch(log, positions.load(log, exporter).taken, max_records=max_records, max_bytes=max_bytes):
        taken += [record.payload for record in found.records]
        positions.store(log, exporter, Position(found.batch.after))
    return taken


class Spool(RuleBasedStateMachine):
    """One log, two exporters, a model that is a list; small segments, so most things happen at a boundary."""

    @initialize(folder=st.uuids())
    def start(self, folder: object) -> None:
        import tempfile

        self.log = Path(tempfile.mkdtemp()) / str(folder)
        self.writer: Writer[bytes] | None = open_writer(self.log, segment_bytes=200)
        self.appended: list[bytes] = []
        self.torn = False
        self.taken: dict[str, list[bytes]] = {"a": [], "b": []}

    @rule(body=st.binary(max_size=120))
    def append(self, body: bytes) -> None:
        if self.writer is None:
            self.writer = open_writer(self.log, segment_bytes=200)
        on_disk = threading.Event()
        self.writer.append(body, len(body), lambda ok: on_disk.set())
        assert on_disk.wait(10)
        self.appended.append(body)

    @rule()
    def reopen(self) -> None:
        if self.writer:
            self.writer.close()
            self.writer = None

    @rule(torn=st.binary(min_size=1, max_size=50))
    def crash_in_the_middle_of_a_write(self, torn: bytes) -> None:
        # Whoever writes has a segment of its own; nothing is ever added to a torn one.
        self.writer = self.writer or open_writer(self.log, segment_bytes=200)
        self.writer.close()
        self.writer = None
        self.torn = True
        newest = segment.path(self.log, segment.numbers(self.log)[-1])
        newest.write_bytes(newest.read_bytes() + segment.frame(torn, 1)[:-1])

    @rule(exporter=st.sampled_from(["a", "b"]), records=st.integers(1, 4), size=st.integers(1, 300))
    def deliver(self, exporter: str, records: int, size: int) -> None:
        position = positions.load(self.log, exporter)
        found = reader.next_batch(self.log, position.taken, max_records=records, max_bytes=size)
        if found is None:
            return
        positions.store(self.log, exporter, Position(position.taken, found.batch))
        # The sink dies here and comes back: the stored batch holds the same records under the same token.
        pending = positions.load(self.log, exporter).pending
        assert pending == found.batch
        assert reader.read_batch(self.log, pending) == found.records
        assert reader.token(self.log, pending) == reader.token(self.log, found.batch)
        self.taken[exporter] += [record.payload for record in found.records]
        positions.store(self.log, exporter, Position(pending.after))

    @rule()
    def clean(self) -> None:
        positions.remove_taken(self.log, ["a", "b"])

    @invariant()
    def delivered_is_a_prefix(self) -> None:
        for taken in getattr(self, "taken", {}).values():
            assert taken == self.appended[: len(taken)]

    def teardown(self) -> None:
        if not hasattr(self, "log"):
            return
        if self.writer:
            self.writer.close()
        for exporter in ("a", "b"):
            waiting = reader.backlog(self.log, positions.load(self.log, exporter).taken)
            assert self.taken[exporter] + take_all(self.log, exporter) == self.appended
            if not self.torn:  # damage can make the count, which looks at headers only, a little wrong
                assert waiting.records == len(self.appended) - len(self.taken[exporter])


Spool.TestCase.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
TestSpool = Spool.TestCase


def test_taken_segments_go_and_the_newest_stays(tmp_path: Path) -> None:
    log = tmp_path / "w0"
    for i in range(4):
        write(log, b"%d" % i)
    assert take_all(log, "a") == [b"0", b"1", b"2", b"3"]
    positions.remove_taken(log, ["a", "b"])
    assert segment.numbers(log) == [1, 2, 3, 4]  # b has taken nothing
    take_all(log, "b")
    positions.remove_taken(log, ["a", "b"])
    assert segment.numbers(log) == [4]


def test_records_lost_behind_an_acknowledged_place_do_not_hide_new_ones(tmp_path: Path) -> None:
    """After a power cut the end of the newest segment may be gone although delivered; what follows must still be read."""
    log = tmp_path / "w0"
    write(log, b"one", b"two", b"three")
    assert take_all(log, "a") == [b"one", b"two", b"three"]
    newest = segment.path(log, segment.numbers(log)[-1])
    newest.write_bytes(newest.read_bytes()[:30])
    write(log, b"four")
    assert take_all(log, "a") == [b"four"]


def test_a_record_larger_than_a_batch_passes(tmp_path: Path) -> None:
    log = tmp_path / "w0"
    write(log, b"small", b"x" * 5000, b"small again")
    assert take_all(log, "a", max_bytes=100) == [b"small", b"x" * 5000, b"small again"]


def test_drop_old_keeps_the_newest_and_counts_what_nobody_took(tmp_path: Path) -> None:
    log = tmp_path / "w0"
    for i in range(3):
        write(log, b"%d" % i * 100)
    take_all(log, "a", max_records=1)
    positions.store(log, "a", Position(Place(1, segment.size(log, 1))))
    before = dropped("spool_full")
    write(log, b"3" * 100, max_bytes=400)
    assert dropped("spool_full") - before == 0  # segment 1 had been taken
    write(log, b"4" * 200, max_bytes=400)
    assert dropped("spool_full") - before == 2
    assert take_all(log, "a") == [b"3" * 100, b"4" * 200]


def test_drop_new_keeps_the_oldest_and_counts(tmp_path: Path) -> None:
    log = tmp_path / "w0"
    write(log, b"0" * 100)
    before = dropped("spool_full")
    write(log, b"1" * 100, max_bytes=150, drop_old=False)
    assert dropped("spool_full") - before == 1
    assert take_all(log, "a") == [b"0" * 100]


def test_a_disk_that_refuses_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tracer.spool import writer as room

    failures = iter([OSError(28, "No space left on device")] * 3)
    real = room.os.fdatasync

    def full_for_a_while(file: int) -> None:
        if error := next(failures, None):
            raise error
        real(file)

    monkeypatch.setattr(room, "RETRY_SECONDS", 0.0)
    monkeypatch.setattr(room.os, "fdatasync", full_for_a_while)
    log = tmp_path / "w0"
    writer = open_writer(log)
    told: list[bool] = []
    waited = threading.Event()
    writer.append(b"kept", 4, lambda ok: (told.append(ok), waited.set()))
    assert waited.wait(10)
    writer.close()
    assert told == [False]  # the reply did not wait for the disk
    assert writer.healthy
    assert take_all(log, "a") == [b"kept"]


def test_what_comes_while_the_disk_refuses_does_not_wait_and_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tracer.spool import writer as room

    refuses = threading.Event()
    refuses.set()
    real = room.os.fdatasync

    def fdatasync(file: int) -> None:
        if refuses.is_set():
            raise OSError(28, "No space left on device")
        real(file)

    monkeypatch.setattr(room, "RETRY_SECONDS", 0.01)
    monkeypatch.setattr(room.os, "fdatasync", fdatasync)
    writer = open_writer(tmp_path / "w0")
    for body in (b"1", b"2", b"3"):
        told: list[bool] = []
        waited = threading.Event()
        writer.append(body, 1, lambda ok, told=told, waited=waited: (told.append(ok), waited.set()))
        assert waited.wait(10)
        assert told == [False]
    assert not writer.healthy
    refuses.clear()
    writer.close()
    assert take_all(tmp_path / "w0", "a") == [b"1", b"2", b"3"]


def test_closing_does_not_wait_for_ever_for_a_disk_that_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tracer.spool import writer as room

    def fdatasync(_file: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(room, "RETRY_SECONDS", 0.01)
    monkeypatch.setattr(room, "CLOSING_SECONDS", 0.05)
    monkeypatch.setattr(room.os, "fdatasync", fdatasync)
    before = dropped("spool_unwritable")
    writer = open_writer(tmp_path / "w0")
    for _ in range(3):
        writer.append(b"x", 1)
    writer.close()
    assert dropped("spool_unwritable") - before == 3


def test_waiting_records_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tracer.spool import writer as room

    monkeypatch.setattr(room, "PENDING_BYTES", 100)
    release = threading.Event()

    def encode(item: bytes) -> bytes:
        release.wait(10)
        return item

    before = dropped("spool_behind")
    writer = Writer(tmp_path / "w0", encode, max_bytes=1 << 20, segment_bytes=1 << 20, gather_seconds=0.0)
    told: list[bool] = []
    for _ in range(5):
        writer.append(b"x" * 60, 60, told.append)
    release.set()
    writer.close()
    assert dropped("spool_behind") - before == 3
    assert sorted(told) == [False, False, False, True, True]
    assert len(take_all(tmp_path / "w0", "a")) == 2


def test_one_record_that_cannot_be_encoded_does_not_take_the_others(tmp_path: Path) -> None:
    def encode(item: bytes) -> bytes:
        if item == b"bad":
            raise ValueError("no such text")
        return item

    before = dropped("encode_error")
    writer = Writer(tmp_path / "w0", encode, max_bytes=1 << 20, segment_bytes=1 << 20, gather_seconds=0.01)
    for item in (b"1", b"bad", b"2"):
        writer.append(item, 1)
    writer.close()
    assert dropped("encode_error") - before == 1
    assert take_all(tmp_path / "w0", "a") == [b"1", b"2"]


def test_a_log_has_one_writer(tmp_path: Path) -> None:
    writer = open_writer(tmp_path / "w0")
    with pytest.raises(SpoolInUse, match="another Tracer"):
        open_writer(tmp_path / "w0")
    writer.close()
    open_writer(tmp_path / "w0").close()


def test_logs_lists_every_worker(tmp_path: Path) -> None:
    assert logs(tmp_path) == []
    for name in ("w1", "w0"):
        write(spool_dir(tmp_path) / name, b"x")
    assert [path.name for path in logs(tmp_path)] == ["w0", "w1"]


def test_a_damaged_position_means_the_beginning(tmp_path: Path) -> None:
    log = tmp_path / "w0"
    write(log, b"x")
    take_all(log, "a")
    (log / "a.position").write_text("{not json")
    assert take_all(log, "a") == [b"x"]
