"""One drain per exporter: read a batch from the spool, turn it into records, deliver it, acknowledge.

    next_batch ─► decode ─► store pending ─► export ─► store taken ─► remove what all have taken

- A batch ends where its rows, its bytes on disk, or what these became in memory are enough (contents.py).
- Exporters that are at the same place share what was decoded there (shelf.py).
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
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from exporters import Exporter, Permanent, Transient
from tracer import metrics
from tracer.records import Call
from tracer.signals import AppSpan, Feedback, Record, name_of
from tracer.sink import dead, heap
from tracer.sink.contents import Contents, Decode, Letter, contents_of
from tracer.sink.shelf import Shelf
from tracer.spool import logs, positions, reader, segment
from tracer.spool.positions import Position
from tracer.spool.reader import Found
from tracer.spool.segment import Place
from tracer.spool.segment import Record as Spooled

_log = logging.getLogger(__name__)

# How much larger a batch may become when it is decoded: two bodies as text take what they took on disk, and half again with a
# stream put together.
_MOST_GROWTH = 2
# How long an idle drain sleeps before it looks again, and how often depth and lag are measured.
IDLE_SECONDS = 0.05
GAUGE_SECONDS = 2.0
# What a drain has tried to deliver before it gives back, once it is idle, what was freed of it; and how long it waits in
# between, since looking through memory takes some 50 ms.
GIVE_BACK_BYTES = 8 << 20
GIVE_BACK_SECONDS = 20.0
_RECORD_BYTES = 4096  # of a record without its texts, about
# Back-off after a transient failure: doubled each time, with jitter, so that many sinks do not return in step. The longest is
# what a backend that is back after an hour waits for its first batch.
FIRST_PAUSE = 0.25
LONGEST_PAUSE = 10.0


@dataclass(frozen=True, slots=True)
class Limits:
    """How large a batch may be, how long an unfilled one waits, and when a record is too old to deliver."""

    rows: int
    bytes: int
    wait_seconds: float
    max_age_seconds: float


# Kinds of records, and what stands behind a batch's token for each. Calls have nothing: what was pending before there were
# other kinds goes on under its token.
_KINDS: tuple[tuple[type[Record], str], ...] = ((Call, ""), (Feedback, "+feedback"), (AppSpan, "+spans"))


@dataclass(frozen=True, slots=True)
class _Burial:
    """A record to be given up, and why."""

    spooled: Spooled
    name: str
    reason: str


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
        shelf: Shelf | None = None,
    ) -> None:
        self._data_dir = data_dir
        self._exporter = exporter
        self._all_exporters = all_exporters
        self._decode = decode
        self._limits = limits
        self._stop = stop
        self._shelf = shelf or Shelf(all_exporters, 0)
        self._failures = 0
        self._parts_taken: set[str] = set()  # tokens within pending batches that need not go again when another part fails
        self._gauged = 0.0
        self._had = 0  # bytes of batches that were tried since memory was given back
        self._gave_back = 0.0

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
                self._give_back()
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
        found = self._pending(log, position) if position.pending else self._next(log, position.taken, stopping)
        if found is None:
            return False
        found, contents = self._shelf.contents(log, position.taken, found, self._read, pending=position.pending is not None)
        if position.pending is None:
            if found.damaged or found.missing:
                metrics.dropped.labels("spool_damaged").inc(found.damaged)
                _log.error("%s: spool %s: %d damaged places, %d segments gone", name, log, found.damaged, found.missing)
            positions.store(log, name, Position(position.taken, found.batch))
        self._had += contents.size + _RECORD_BYTES * len(contents)
        fresh = contents.since(time.time_ns() - int(self._limits.max_age_seconds * 1e9))
        token = reader.token(log, found.batch)
        settled = self._deliver(fresh, token, again=position.pending is not None)
        # Counted and buried once all of the batch is settled: until then a failure repeats the whole of it.
        for burial in settled.buried:
            self._bury(burial)
        positions.store(log, name, Position(found.batch.after))
        self._shelf.done(name, log, found.batch.after)
        positions.remove_taken(log, self._all_exporters)
        self._parts_taken = {part for part in self._parts_taken if not part.startswith(token)}
        metrics.exported.labels(name).inc(settled.delivered)
        if too_old := len(contents) - len(fresh):
            metrics.dropped.labels("spool_too_old").inc(too_old)
            _log.error("%s: %d records were older than the spool keeps them", name, too_old)
        return True

    def _read(self, records: Sequence[Spooled], may_be_fewer: bool) -> Contents:
        return contents_of(records, self._decode, _MOST_GROWTH * self._limits.bytes if may_be_fewer else None)

    def _pending(self, log: Path, position: Position) -> Found:
        """The batch that was on its way."""
        assert position.pending is not None
        kept = self._shelf.found(log, position.taken)
        if kept is not None and kept.batch == position.pending:
            return kept
        found = Found(position.pending, reader.read_batch(log, position.pending))
        lost = position.pending.records - len(found.records)
        if lost > 0:
            # The worker that removes a segment does not count what is on its way, since it may arrive all the same.
            damaged = segment.size(log, position.pending.segment) > 0
            metrics.dropped.labels("spool_damaged" if damaged else "spool_full").inc(lost)
            how = "damaged" if damaged else "gone"
            _log.error("%s: spool %s: %d records of the batch on its way are %s", self._exporter.name, log, lost, how)
        self._shelf.cut(log, position.taken, found)
        return found

    def _next(self, log: Path, after: Place, stopping: bool) -> Found | None:
        """A new batch, if there is one that need not wait."""
        name, limits = self._exporter.name, self._limits
        found = self._shelf.found(log, after)
        if found is None:
            if not stopping and self._shelf.is_ahead(name):
                return None
            room = self._shelf.room(log, after, limits.bytes)
            found = reader.next_batch(log, after, max_records=limits.rows, max_bytes=min(limits.bytes, room))
            if found is None or (not stopping and self._worth_waiting(found.records)):
                return None
            found = self._shelf.cut(log, after, found)
        return found

    def _worth_waiting(self, records: Sequence[Spooled]) -> bool:
        """Whether an unfilled batch is still young enough to wait for more."""
        if not records or len(records) >= self._limits.rows:
            return False
        age = (time.time_ns() - records[0].written_ns) / 1e9
        # A clock that jumped makes an age that says nothing.
        return 0 <= age < self._limits.wait_seconds

    def _deliver(self, contents: Contents, token: str, again: bool) -> _Settled:
        settled = _Settled(buried=[_Burial(spooled, "", reason) for spooled, reason in contents.unreadable])
        for kind, suffix in _KINDS:
            if part := [letter for letter in contents.letters if isinstance(letter[1], kind)]:
                self._export(part, token + suffix, again, settled)
        return settled

    def _export(self, letters: Sequence[Letter], token: str, again: bool, settled: _Settled) -> None:
        try:
            if token not in self._parts_taken:
                self._exporter.export([record for _, record in letters], token, again)
        except Permanent as error:
            metrics.export_failures.labels(self._exporter.name, "permanent").inc()
            if len(letters) == 1:
                spooled, record = letters[0]
                settled.buried.append(_Burial(spooled, name_of(record), str(error)))
                return
            # Halves are named by their place in the batch: a repeat after a crash cuts the same halves.
            middle = len(letters) // 2
            self._export(letters[:middle], f"{token}/0:{middle}", again, settled)
            self._export(letters[middle:], f"{token}/{middle}:{len(letters)}", again, settled)
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

    def _give_back(self) -> None:
        now = time.monotonic()
        if self._had >= GIVE_BACK_BYTES and now - self._gave_back >= GIVE_BACK_SECONDS:
            self._had, self._gave_back = 0, now
            heap.give_back()

    def _gauge(self) -> None:
        now = time.monotonic()
        if now - self._gauged < GAUGE_SECONDS:
            return
        self._gauged = now
        name = self._exporter.name
        waiting = [reader.backlog(log, positions.load(log, name).taken) for log in logs(self._data_dir)]
        metrics.depth.labels(name).set(sum(b.records for b in waiting))
        metrics.lag_seconds.labels(name).set(max(map(reader.age_seconds, waiting), default=0.0))


def _pause(failures: int) -> float:
    return min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(failures, 10)) * random.uniform(0.7, 1.0)
