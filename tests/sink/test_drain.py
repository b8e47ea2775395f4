"""The drain against a scripted exporter: everything once and in order, whatever fails, and nobody waits for anybody else."""

import itertools
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import msgspec
import orjson
import pytest
from prometheus_client import REGISTRY

from exporters import Permanent, Transient
from tracer.records import Call, Exchange, TraceContext
from tracer.signals import AppSpan, Feedback, Record, Signal, decode_signal, encode_signal, is_signal
from tracer.sink import dead, drain
from tracer.sink.contents import decoder
from tracer.sink.drain import Drain, Limits
from tracer.sink.shelf import Shelf
from tracer.spool import positions, reader, segment, spool_dir
from tracer.spool.positions import Batch, Position
from tracer.spool.segment import Place
from tracer.spool.writer import Writer

SHARED = 1 << 20
LIMITS = Limits(rows=100, bytes=1 << 20, wait_seconds=0.0, max_age_seconds=3600.0)


def counted(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"tracer_{name}_total", labels) or 0.0


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drain, "IDLE_SECONDS", 0.002)
    monkeypatch.setattr(drain, "FIRST_PAUSE", 0.001)
    monkeypatch.setattr(drain, "LONGEST_PAUSE", 0.01)


def call(number: int) -> Call:
    ids = {"trace_id": "t", "span_id": "s", "otel_trace_id": "1" * 32, "otel_span_id": "2" * 16}
    return Call(call_id=UUID(int=number), started_at=datetime.now(UTC), door="openai", endpoint="/", outcome="ok", **ids)


def decode(payload: bytes) -> Call:
    """Payloads of these tests are numbers; anything else cannot be decoded."""
    if payload == b"bug":
        raise KeyError("usage")
    if not payload.isdigit():
        raise msgspec.DecodeError("no exchange")
    return call(int(payload))


@dataclass
class Fake:
    """An exporter that does what `script` says to a batch of numbers, and remembers what it took under which token."""

    name: str = "fake"
    script: Callable[[list[int]], None] = lambda numbers: None
    taken: list[int] = field(default_factory=list)
    asked: list[tuple[list[int], str]] = field(default_factory=list)
    again: list[bool] = field(default_factory=list)

    def export(self, calls: Sequence[Call], token: str, again: bool = False) -> None:
        numbers = [made.call_id.int for made in calls]
        self.again.append(again)
        self.asked.append((numbers, token))
        self.script(numbers)
        self.taken += numbers

    def close(self) -> None:
        pass


def open_writer(data_dir: Path, worker: str = "w0") -> Writer[bytes]:
    return Writer(spool_dir(data_dir) / worker, bytes, max_bytes=1 << 30, segment_bytes=1 << 20, gather_seconds=0.0)


def append(writer: Writer[bytes], *payloads: bytes | int) -> None:
    for payload in payloads:
        body = str(payload).encode() if isinstance(payload, int) else payload
        writer.append(body, len(body))


def write(data_dir: Path, *payloads: bytes | int, worker: str = "w0") -> None:
    writer = open_writer(data_dir, worker)
    append(writer, *payloads)
    writer.close()


def new(data_dir: Path, *exporters: Fake, limits: Limits = LIMITS, stop: threading.Event | None = None) -> list[Drain]:
    names = [exporter.name for exporter in exporters]
    stop, shelf = stop or threading.Event(), Shelf(names, SHARED)
    return [Drain(data_dir, exporter, names, decode, limits, stop, shelf) for exporter in exporters]


def drained(data_dir: Path, *exporters: Fake, limits: Limits = LIMITS) -> None:
    """Run drains that were told to stop: they take what is left and return."""
    stop = threading.Event()
    stop.set()
    for made in new(data_dir, *exporters, limits=limits, stop=stop):
        made.run()


class Running:
    """Drains in their threads; stopped at the end of the `with`."""

    def __init__(self, data_dir: Path, *exporters: Fake, limits: Limits = LIMITS) -> None:
        self.stop = threading.Event()
        made = new(data_dir, *exporters, limits=limits, stop=self.stop)
        self.threads = [threading.Thread(target=one.run) for one in made]

    def __enter__(self) -> "Running":
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        for thread in self.threads:
            thread.join(10)
            assert not thread.is_alive()


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def failing(*errors: Exception | None) -> Callable[[list[int]], None]:
    """One error after the other, None for success, and success when they are used up."""
    left: Iterator[Exception | None] = iter(errors)

    def script(_numbers: list[int]) -> None:
        if error := next(left, None):
            raise error

    return script


def test_everything_once_and_in_order_from_every_log(tmp_path: Path) -> None:
    write(tmp_path, *range(250))
    write(tmp_path, *range(1000, 1010), worker="w1")
    fake = Fake()
    before = counted("exported_calls", exporter="fake")
    drained(tmp_path, fake)
    assert [n for n in fake.taken if n < 1000] == list(range(250))
    assert [n for n in fake.taken if n >= 1000] == list(range(1000, 1010))
    assert max(len(numbers) for numbers, _ in fake.asked) == LIMITS.rows
    assert len({token for _, token in fake.asked}) == len(fake.asked)
    assert counted("exported_calls", exporter="fake") - before == 260
    drained(tmp_path, fake)
    assert len(fake.taken) == 260


def test_each_exporter_has_its_own_position_and_a_dead_one_delays_nobody(tmp_path: Path) -> None:
    write(tmp_path, *range(3))
    away = threading.Event()
    away.set()

    def collector(_numbers: list[int]) -> None:
        if away.is_set():
            raise Transient("the collector is away")

    alive, absent = Fake("clickhouse"), Fake("otlp", collector)
    with Running(tmp_path, alive, absent):
        until(lambda: alive.taken == [0, 1, 2])
        until(lambda: len(absent.asked) > 3)
        write(tmp_path, 3)
        until(lambda: alive.taken == [0, 1, 2, 3])
        log = spool_dir(tmp_path) / "w0"
        assert segment.numbers(log) == [1, 2]  # what one exporter has not taken stays
        away.clear()
        until(lambda: absent.taken == [0, 1, 2, 3])
        until(lambda: segment.numbers(log) == [2])
    repeated = {token for numbers, token in absent.asked if numbers == [0, 1, 2]}
    assert len(repeated) == 1


def test_a_crash_between_export_and_acknowledgement_repeats_the_same_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, *range(5))
    real = positions.store

    class Killed(BaseException):
        pass

    def killed_before_the_acknowledgement(log: Path, exporter: str, position: positions.Position) -> None:
        if position.pending is None:
            raise Killed
        real(log, exporter, position)

    fake = Fake()
    monkeypatch.setattr(positions, "store", killed_before_the_acknowledgement)
    with pytest.raises(Killed):
        drained(tmp_path, fake, limits=Limits(3, 1 << 20, 0.0, 3600.0))
    monkeypatch.setattr(positions, "store", real)
    write(tmp_path, 5)  # more came meanwhile, and the limits changed: the batch is the stored one all the same
    drained(tmp_path, fake, limits=Limits(100, 1 << 20, 0.0, 3600.0))
    assert [numbers for numbers, _ in fake.asked] == [[0, 1, 2], [0, 1, 2], [3, 4], [5]]
    assert fake.asked[0] == fake.asked[1]
    assert fake.again == [False, True, False, False]


def test_a_crash_after_the_acknowledgement_repeats_nothing(tmp_path: Path) -> None:
    write(tmp_path, 1, 2)
    drained(tmp_path, Fake())
    again = Fake()
    drained(tmp_path, again)
    assert again.asked == []


def test_transient_failures_pass(tmp_path: Path) -> None:
    write(tmp_path, 1, 2)
    fake = Fake(script=failing(Transient("a"), Transient("b", retry_after_s=0.001), Transient("c")))
    before = counted("export_failures", exporter="fake", kind="transient")
    with Running(tmp_path, fake):
        until(lambda: fake.taken == [1, 2])
    assert {(tuple(numbers), token) for numbers, token in fake.asked} == {((1, 2), fake.asked[0][1])}
    assert fake.again == [False, True, True, True]
    assert counted("export_failures", exporter="fake", kind="transient") - before == 3


def test_memory_is_given_back_while_nothing_but_failures_happen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[float] = []
    monkeypatch.setattr(drain.heap, "give_back", lambda: given.append(time.monotonic()))
    monkeypatch.setattr(drain, "GIVE_BACK_BYTES", 1)
    monkeypatch.setattr(drain, "GIVE_BACK_SECONDS", 0.2)
    write(tmp_path, 1)
    fake = Fake(script=failing(*[Transient("away", retry_after_s=0.01)] * 100))
    with Running(tmp_path, fake):
        until(lambda: len(given) == 3)
        assert fake.taken == []
    assert all(later - earlier >= 0.2 for earlier, later in itertools.pairwise(given))


def test_a_fault_of_ours_ends_nothing(tmp_path: Path) -> None:
    write(tmp_path, 1)
    fake = Fake(script=failing(ZeroDivisionError("a bug in an exporter")))
    with Running(tmp_path, fake):
        until(lambda: fake.taken == [1])


def refuse(*wrong: int) -> Callable[[list[int]], None]:
    def script(numbers: list[int]) -> None:
        if found := set(wrong) & set(numbers):
            raise Permanent(f"cannot take {sorted(found)}")

    return script


def letters(data_dir: Path, exporter: str = "fake") -> list[dict[str, object]]:
    path = data_dir / "dead" / f"{exporter}.jsonl"
    return [orjson.loads(line) for line in path.read_bytes().splitlines()] if path.exists() else []


@pytest.mark.parametrize("wrong", [(0,), (6,), (3,), (2, 3), (0, 6), tuple(range(7))])
def test_the_call_at_fault_is_found_and_the_others_arrive(tmp_path: Path, wrong: tuple[int, ...]) -> None:
    write(tmp_path, *range(7))
    fake = Fake(script=refuse(*wrong))
    before = counted("exported_calls", exporter="fake"), counted("dead_letters", exporter="fake")
    drained(tmp_path, fake)
    assert fake.taken == [n for n in range(7) if n not in wrong]
    found = letters(tmp_path)
    assert [letter["call_id"] for letter in found] == [str(UUID(int=n)) for n in wrong]
    assert [letter["reason"] for letter in found] == [f"cannot take [{n}]" for n in wrong]
    assert counted("exported_calls", exporter="fake") - before[0] == 7 - len(wrong)
    assert counted("dead_letters", exporter="fake") - before[1] == len(wrong)
    assert len({token for _, token in fake.asked}) == len(fake.asked)  # different calls never go under one token


def test_halves_are_cut_the_same_way_after_a_crash(tmp_path: Path) -> None:
    for attempt in range(2):
        write(tmp_path / str(attempt), *range(7))
    first, second = (Fake(script=refuse(4)) for _ in range(2))
    drained(tmp_path / "0", first)
    drained(tmp_path / "1", second)

    def shape(fake: Fake) -> list[tuple[list[int], str]]:
        return [(numbers, token.partition(":")[2]) for numbers, token in fake.asked]

    assert shape(first) == shape(second)


def test_a_failure_amid_the_halving_delivers_and_buries_once(tmp_path: Path) -> None:
    write(tmp_path, b"unreadable", *range(8))
    left = iter([Transient("gone for a moment")] * 3)

    def script(numbers: list[int]) -> None:
        refuse(2)(numbers)
        if 7 in numbers and len(numbers) < 8 and (error := next(left, None)):
            raise error

    fake = Fake(script=script)
    before = counted("exported_calls", exporter="fake"), counted("dead_letters", exporter="fake")
    with Running(tmp_path, fake):
        until(lambda: sorted(fake.taken) == [0, 1, 3, 4, 5, 6, 7])
    assert sorted(fake.taken) == [0, 1, 3, 4, 5, 6, 7]  # what was taken did not go again
    assert [letter["call_id"] for letter in letters(tmp_path)] == ["", str(UUID(int=2))]
    assert counted("exported_calls", exporter="fake") - before[0] == 7
    assert counted("dead_letters", exporter="fake") - before[1] == 2


@pytest.mark.parametrize("payload", [b"not an exchange", b"", b"bug"])
def test_what_cannot_be_understood_is_put_aside_and_the_rest_arrives(tmp_path: Path, payload: bytes) -> None:
    write(tmp_path, 1, payload, 2)
    fake = Fake()
    drained(tmp_path, fake)
    assert fake.taken == [1, 2]
    (letter,) = letters(tmp_path)
    assert letter["call_id"] == ""
    assert "not understood" in str(letter["reason"])
    assert dead.count(tmp_path) == {"fake": 1}


def test_a_batch_of_nothing_readable_passes(tmp_path: Path) -> None:
    write(tmp_path, b"x", b"y")
    fake = Fake()
    drained(tmp_path, fake)
    assert fake.asked == []
    assert len(letters(tmp_path)) == 2


def test_records_that_are_too_old_are_counted_once_and_not_delivered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hour_ns = 3600 * 10**9
    real = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: real() - 2 * hour_ns)
    write(tmp_path, 1, 2)
    monkeypatch.setattr(time, "time_ns", real)
    write(tmp_path, 3)
    log = spool_dir(tmp_path) / "w0"
    one = segment.path(log, 1).read_bytes() + segment.path(log, 2).read_bytes()
    segment.path(log, 1).unlink()
    segment.path(log, 2).write_bytes(one)  # old and new in one batch
    before = counted("dropped_records", reason="spool_too_old")
    fake = Fake(script=failing(Transient("a"), Transient("b")))
    with Running(tmp_path, fake):
        until(lambda: fake.taken == [3])
    assert counted("dropped_records", reason="spool_too_old") - before == 2
    assert letters(tmp_path) == []


def test_damage_and_lost_segments_are_counted(tmp_path: Path) -> None:
    write(tmp_path, 1, 2, 3)
    log = spool_dir(tmp_path) / "w0"
    data = bytearray(segment.path(log, 1).read_bytes())
    data[len(data) // 2] ^= 0xFF
    segment.path(log, 1).write_bytes(bytes(data))
    write(tmp_path, 4)
    before = counted("dropped_records", reason="spool_damaged")
    fake = Fake()
    drained(tmp_path, fake)
    assert fake.taken == [1, 3, 4]
    assert counted("dropped_records", reason="spool_damaged") - before == 1


def test_damage_inside_a_batch_on_its_way_is_counted(tmp_path: Path) -> None:
    write(tmp_path, 1, 2, 3)
    log = spool_dir(tmp_path) / "w0"
    path = segment.path(log, 1)
    data = bytearray(path.read_bytes())
    first, second, third = segment.parse(bytes(data), 0, max_records=9, final=True).records
    positions.store(log, "fake", Position(Place(), Batch(1, 0, third.end, 3)))
    data[first.end : second.end] = bytes(second.end - first.end)
    path.write_bytes(data)
    before = counted("dropped_records", reason="spool_damaged")
    fake = Fake()
    drained(tmp_path, fake)
    assert fake.taken == [1, 3]
    assert counted("dropped_records", reason="spool_damaged") - before == 1


def test_a_pending_batch_whose_segment_was_dropped_is_passed_over(tmp_path: Path) -> None:
    write(tmp_path, 1)
    stop = threading.Event()
    stop.set()
    drained(tmp_path, Fake(script=failing(Transient("away"))))
    log = spool_dir(tmp_path) / "w0"
    assert positions.load(log, "fake").pending is not None
    write(tmp_path, 2)
    assert positions.undelivered(log, 1) == 0, "it is on its way, and counted if it does not arrive"
    before = counted("dropped_records", reason="spool_full")
    segment.path(log, 1).unlink()
    fake = Fake()
    drained(tmp_path, fake)
    assert fake.taken == [2]
    assert counted("dropped_records", reason="spool_full") - before == 1


def test_a_batch_that_is_delivered_while_its_segment_is_dropped_is_counted_as_delivered_only(tmp_path: Path) -> None:
    write(tmp_path, 1, 2, 3)
    log = spool_dir(tmp_path) / "w0"

    def at_its_bound(numbers: list[int]) -> None:
        lost.append(positions.undelivered(log, 1))
        segment.path(log, 1).unlink()

    lost: list[int] = []
    before = counted("dropped_records", reason="spool_full")
    fake = Fake(script=at_its_bound)
    drained(tmp_path, fake, limits=replace(LIMITS, rows=2))
    assert (fake.taken, lost) == ([1, 2], [1])
    assert counted("dropped_records", reason="spool_full") - before == 0  # the third is counted by who removes the segment


def test_stop_delivers_what_is_left_and_does_not_wait_for_the_absent(tmp_path: Path) -> None:
    write(tmp_path, *range(250))
    fake, absent = Fake(), Fake("absent", failing(*[Transient("away", retry_after_s=3600.0)] * 100))
    drained(tmp_path, absent, fake, limits=Limits(10, 1 << 20, 3600.0, 3600.0))  # nor for a batch to fill
    assert fake.taken == list(range(250))
    assert absent.taken == []


def test_a_batch_that_is_not_full_waits_for_more(tmp_path: Path) -> None:
    patient = Limits(rows=4, bytes=1 << 20, wait_seconds=3600.0, max_age_seconds=7200.0)
    writer, fake = open_writer(tmp_path), Fake()
    append(writer, 1, 2)
    with Running(tmp_path, fake, limits=patient):
        time.sleep(0.1)
        assert fake.asked == []
        append(writer, 3, 4, 5)
        until(lambda: fake.taken == [1, 2, 3, 4])
    assert fake.taken == [1, 2, 3, 4, 5]  # the rest at the stop
    hasty = Limits(rows=4, bytes=1 << 20, wait_seconds=0.05, max_age_seconds=7200.0)
    append(writer, 6)
    with Running(tmp_path, fake, limits=hasty):
        until(lambda: fake.taken[-1] == 6)
    writer.close()


def test_depth_and_lag_are_shown(tmp_path: Path) -> None:
    write(tmp_path, 1, 2, 3)
    with Running(tmp_path, Fake("shown", failing(*[Transient("away", retry_after_s=0.001)] * 10_000))):
        until(lambda: REGISTRY.get_sample_value("tracer_spool_depth", {"exporter": "shown"}) == 3)
    assert (REGISTRY.get_sample_value("tracer_lag_seconds", {"exporter": "shown"}) or 0) >= 0


def test_decoder_says_what_is_no_record() -> None:
    read = decoder(lambda exchange: call(exchange.call_id.int))
    for payload in (b"\xc1", msgspec.msgpack.encode({"call_id": 1})):
        with pytest.raises(msgspec.MsgspecError):
            read(payload)


def signal(number: int) -> Signal:
    """Every third record a feedback, every third a span."""
    if number % 3 == 1:
        return Feedback(id=UUID(int=number), trace_id="t", value=1.0, created_ns=number, version=number)
    return AppSpan(id=str(number), trace_id="t", name="n", start_ns=number, received_ns=number)


def spooled(number: int) -> bytes:
    """Calls as an older Tracer left them, signals as they are written today."""
    return str(number).encode() if number % 3 == 0 else encode_signal(signal(number))


def decode_all(payload: bytes) -> Record:
    return decode_signal(payload) if is_signal(payload) else decode(payload)


@dataclass
class Mixed:
    """An exporter of all kinds that dislikes some numbers."""

    wrong: set[int] = field(default_factory=set)
    transient: Iterator[None] = field(default_factory=lambda: iter(()))
    name: str = "mixed"
    taken: list[int] = field(default_factory=list)
    asked: list[tuple[list[int], str]] = field(default_factory=list)

    def export(self, records: Sequence[Record], token: str, again: bool = False) -> None:
        numbers = [number_of(record) for record in records]
        self.asked.append((numbers, token))
        assert len({type(record) for record in records}) == 1
        if found := self.wrong & set(numbers):
            raise Permanent(f"cannot take {sorted(found)}")
        if isinstance(records[0], AppSpan) and next(self.transient, self) is None:
            raise Transient("away for a moment")
        self.taken += numbers

    def close(self) -> None:
        pass


def number_of(record: Record) -> int:
    match record:
        case Call():
            return record.call_id.int
        case Feedback():
            return record.id.int
        case AppSpan():
            return int(record.id)


def drain_mixed(data_dir: Path, exporter: Mixed) -> None:
    stop = threading.Event()
    drain = Drain(data_dir, exporter, [exporter.name], decode_all, LIMITS, stop)
    thread = threading.Thread(target=drain.run)
    thread.start()
    until(
        lambda: (
            reader.backlog(spool_dir(data_dir) / "w0", positions.load(spool_dir(data_dir) / "w0", "mixed").taken).records == 0
        )
    )
    stop.set()
    thread.join(10)
    assert not thread.is_alive()


@pytest.mark.parametrize("wrong", [set(), {0}, {4}, {5}, {3, 7, 11}, set(range(1, 12, 3)), set(range(12))])
def test_each_kind_goes_by_itself_and_the_fault_of_one_repeats_nothing_of_another(tmp_path: Path, wrong: set[int]) -> None:
    write(tmp_path, *map(spooled, range(12)))
    exporter = Mixed(wrong, iter([None, None]))
    drain_mixed(tmp_path, exporter)
    assert sorted(exporter.taken) == [n for n in range(12) if n not in wrong]
    named = {0: "{}", 1: "feedback {}", 2: "span {}"}
    expected = [named[n % 3].format(UUID(int=n) if n % 3 != 2 else n) for n in sorted(wrong, key=lambda n: (n % 3, n))]
    assert [letter["call_id"] for letter in letters(tmp_path, "mixed")] == expected
    asked = {}
    for numbers, token in exporter.asked:
        assert asked.setdefault(token, numbers) == numbers  # one token, one set of records, however often


def test_calls_alone_go_under_the_token_that_they_always_had(tmp_path: Path) -> None:
    write(tmp_path, *map(spooled, range(0, 12, 3)))
    exporter = Mixed()
    drain_mixed(tmp_path, exporter)
    assert ["+" in token for _, token in exporter.asked] == [False]


def test_decoder_tells_signals_from_exchanges() -> None:
    read = decoder(lambda exchange: call(exchange.call_id.int))
    trace = TraceContext(trace_id="t", span_id="s", otel_trace_id="1" * 32, otel_span_id="2" * 16)
    exchange = Exchange(call_id=UUID(int=5), started_ns=1, trace=trace, door="openai", method="GET", path="/")
    assert number_of(read(msgspec.msgpack.encode(exchange))) == 5
    for number in (1, 2):
        assert read(encode_signal(signal(number))) == signal(number)
    with pytest.raises(msgspec.MsgspecError):
        read(b"\x91\xa5other")


def test_reader_of_a_stored_place(tmp_path: Path) -> None:
    write(tmp_path, 1, 2)
    log = spool_dir(tmp_path) / "w0"
    drained(tmp_path, Fake())
    assert reader.backlog(log, positions.load(log, "fake").taken).records == 0
    assert reader.backlog(log, Place()).records == 2
