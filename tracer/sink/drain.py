"""One drain per exporter: read a batch from the spool, turn it into records, deliver it, acknowledge.

    next_batch ─► store pending ─► decode ─► export ─► store taken ─► remove what all have taken

- The range is stored before the export, so after a crash the same range goes again under the same token.
- A drain knows nothing of the others: a dead collector delays nobody but itself.
- Transient failures are tried until they pass, with back-off; the spool is the queue, so there is no hurry and no limit.
- Permanent failures are narrowed down by halves until the one record at fault is found, which goes to the dead letters.
- Each kind of record is delivered by itself, under a token of its own: what an exporter has stored of one kind before it found
  fault with another would otherwise come again under the tokens of the halves, and be there twice.
"""

import logging
import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from exporters import Exporter, Permanent, Transient
from tracer import metrics
from tracer.records import Call, Exchange
from tracer.signals import AppSpan, Feedback, Record, decode_signal, is_signal, name_of
from tracer.sink import dead
from tracer.spool import logs, positions, reader
from tracer.spool.positions import Position
from tracer.spool.segment import Record as Spooled

_log = logging.getLogger(__name__)

# How long an idle drain sleeps before it looks again, and how often depth and lag are measured.
IDLE_SECONDS = 0.05
GAUGE_SECONDS = 2.0
# Back-off after a transient failure: doubled each time, with jitter, so that many sinks do not return in step.
FIRST_PAUSE = 0.25
LONGEST_PAUSE = 30.0


@dataclass(frozen=True, slots=True)
class Limits:
    """How large a batch may be, how long an unfilled one waits, and when a record is too old to deliver."""

    rows: int
    bytes: int
    wait_seconds: float
    max_age_seconds: float


Decode = Callable[[bytes], Record]

# Kinds of records, and what stands behind a batch's token for each. Calls have nothing: what was pending before there were
# other kinds goes on under its token.
_KINDS: tuple[tuple[type[Record], str], ...] = ((Call, ""), (Feedback, "+feedback"), (AppSpan, "+spans"))


@dataclass(frozen=True, slots=True)
class _Burial:
    """A record to be given up, and why."""

    spooled: Spooled
    name: str
    reason: str


_Letter = tuple[Spooled, Record]


@dataclass(slots=True)
class _Settled:
    """What became of a batch."""

    delivered: int = 0
    buried: list[_Burial] = field(default_factory=list)


class Drain:
    """Moves records of every log under `data_dir` to one exporter until `stop` is set, then takes what is left."""

    def __init__(
        self,
        data_dir: Path,
        exporter: Exporter,
        all_exporters: list[str],
        decode: Decode,
        limits: Limits,
        stop: threading.Event,
    ) -> None:
        self._data_dir = data_dir
        self._exporter = exporter
        self._all_exporters = all_exporters
        self._decode = decode
        self._limits = limits
        self._stop = stop
        self._failures = 0
        self._parts_taken: set[str] = set()  # tokens within pending batches that need not go again when another part fails
        self._gauged = 0.0

    def run(self) -> None:
        """Deliver until told to stop and nothing is left that can be delivered at once."""
        while True:
            stopping = self._stop.is_set()
            busy = False
            for log in logs(self._data_dir):
                busy |= self._guarded_step(log, stopping)
            self._gauge()
            if stopping and not busy:
                return
            if not busy:
                self._stop.wait(IDLE_SECONDS)

    def _guarded_step(self, log: Path, stopping: bool) -> bool:
        """One batch, if there is one; whether another look is worth it at once."""
        name = self._exporter.name
        try:
            moved = self._step(log, stopping)
        except Transient as error:
            metrics.export_failures.labels(name, "transient").inc()
            if self._failures in (0, 5) or self._failures % 50 == 0:
                _log.warning("%s: %s; trying again, the spool keeps the records", name, error)
            self._failures += 1
            if stopping:
                return False
            self._stop.wait(error.retry_after_s or _pause(self._failures))
            return False
        except Exception:
            # The drain loop: a fault of ours or of a library must not end delivery. The batch stays pending and goes again.
            metrics.export_failures.labels(name, "internal").inc()
            _log.exception("%s: delivery of a batch from %s failed; trying again", name, log)
            self._failures += 1
            self._stop.wait(_pause(self._failures))
            return False
        if moved and self._failures:
            _log.info("%s: delivering again after %d failures", name, self._failures)
            self._failures = 0
        return moved

    def _step(self, log: Path, stopping: bool) -> bool:
        name = self._exporter.name
        position = positions.load(log, name)
        if position.pending is None:
            found = reader.next_batch(log, position.taken, max_records=self._limits.rows, max_bytes=self._limits.bytes)
            if found is None or (not stopping and self._worth_waiting(found.records)):
                return False
            if found.damaged or found.missing:
                metrics.dropped.labels("spool_damaged").inc(found.damaged)
                _log.error("%s: spool %s: %d damaged places, %d segments gone", name, log, found.damaged, found.missing)
            position = Position(position.taken, found.batch)
            positions.store(log, name, position)
            records = found.records
        else:
            records = reader.read_batch(log, position.pending)
        assert position.pending is not None
        fresh = self._fresh(records)
        token = reader.token(log, position.pending)
        settled = self._deliver(fresh, token)
        # Counted and buried once all of the batch is settled: until then a failure repeats the whole of it.
        for burial in settled.buried:
            self._bury(burial)
        positions.store(log, name, Position(position.pending.after))
        positions.remove_taken(log, self._all_exporters)
        self._parts_taken = {part for part in self._parts_taken if not part.startswith(token)}
        metrics.exported.labels(name).inc(settled.delivered)
        if too_old := len(records) - len(fresh):
            metrics.dropped.labels("spool_too_old").inc(too_old)
            _log.error("%s: %d records were older than the spool keeps them", name, too_old)
        return True

    def _worth_waiting(self, records: Sequence[Spooled]) -> bool:
        """Whether an unfilled batch is still young enough to wait for more."""
        if not records or len(records) >= self._limits.rows:
            return False
        age = (time.time_ns() - records[0].written_ns) / 1e9
        # A clock that jumped makes an age that says nothing.
        return 0 <= age < self._limits.wait_seconds

    def _fresh(self, records: Sequence[Spooled]) -> list[Spooled]:
        oldest = time.time_ns() - int(self._limits.max_age_seconds * 1e9)
        return [record for record in records if record.written_ns >= oldest]

    def _deliver(self, records: Sequence[Spooled], token: str) -> _Settled:
        settled = _Settled()
        letters: list[_Letter] = []
        for spooled in records:
            try:
                letters.append((spooled, self._decode(spooled.payload)))
            except Exception as error:
                # Part of the drain loop: bytes that are no record, or one that our own decoding trips over, must not
                # stand in the way of all that follow.
                if not isinstance(error, msgspec.MsgspecError):
                    _log.exception("%s: a record could not be understood", self._exporter.name)
                settled.buried.append(_Burial(spooled, "", f"not understood: {type(error).__name__}: {error}"))
        for kind, suffix in _KINDS:
            if part := [letter for letter in letters if isinstance(letter[1], kind)]:
                self._export(part, token + suffix, settled)
        return settled

    def _export(self, letters: Sequence[_Letter], token: str, settled: _Settled) -> None:
        try:
            if token not in self._parts_taken:
                self._exporter.export([record for _, record in letters], token)
        except Permanent as error:
            metrics.export_failures.labels(self._exporter.name, "permanent").inc()
            if len(letters) == 1:
                spooled, record = letters[0]
                settled.buried.append(_Burial(spooled, name_of(record), str(error)))
                return
            # Halves are named by their place in the batch: a repeat after a crash cuts the same halves.
            middle = len(letters) // 2
            self._export(letters[:middle], f"{token}/0:{middle}", settled)
            self._export(letters[middle:], f"{token}/{middle}:{len(letters)}", settled)
        else:
            self._parts_taken.add(token)
            settled.delivered += len(letters)

    def _bury(self, burial: _Burial) -> None:
        name, spooled = self._exporter.name, burial.spooled
        _log.error("%s: %s given up, kept among the dead letters: %s", name, burial.name or "(unreadable)", burial.reason)
        dead.bury(
            self._data_dir,
            name,
            at_ns=spooled.written_ns,
            call_id=burial.name,
            reason=burial.reason,
            exchange=spooled.payload,
        )
        metrics.dead_letters.labels(name).inc()

    def _gauge(self) -> None:
        now = time.monotonic()
        if now - self._gauged < GAUGE_SECONDS:
            return
        self._gauged = now
        name = self._exporter.name
        waiting = [reader.backlog(log, positions.load(log, name).taken) for log in logs(self._data_dir)]
        metrics.depth.labels(name).set(sum(b.records for b in waiting))
        metrics.lag_seconds.labels(name).set(max(map(reader.age_seconds, waiting), default=0.0))


def decoder(to_call: Callable[[Exchange], Call], share_bytes: int) -> Decode:
    """Spooled bytes to their record, remembering the last `share_bytes` worth of calls for the other drains.

    Raises msgspec.MsgspecError. Two drains may decode the same record at once; that costs time, never correctness.
    """
    unpack = msgspec.msgpack.Decoder(Exchange).decode
    remembered: dict[bytes, Call] = {}
    held = 0
    lock = threading.Lock()

    def decode(payload: bytes) -> Record:
        nonlocal held
        if is_signal(payload):
            return decode_signal(payload)
        call = remembered.get(payload)
        if call is not None:
            return call
        call = to_call(unpack(payload))
        with lock:
            if share_bytes and payload not in remembered:
                remembered[payload] = call
                held += len(payload)
            while held > share_bytes and remembered:
                oldest = next(iter(remembered))
                del remembered[oldest]
                held -= len(oldest)
        return call

    return decode


def _pause(failures: int) -> float:
    return min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(failures, 10)) * random.uniform(0.7, 1.0)
