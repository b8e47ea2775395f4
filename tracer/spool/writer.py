"""The proxy's half of the spool: group commits on a thread of its own.

Strategy: take whatever has gathered, encode it, write it with one pwrite, sync, tell those who wait. Under `fast` durability
the thread first sleeps a few milliseconds so that a busy worker makes some 100 commits a second however many calls it
has; an item that somebody waits for (`strict`) is committed at once, together with all that came meanwhile.

Invariants
- `append` never blocks and never fails for the disk's sake: serving goes on, metrics say what was lost and why.
- A disk that refuses is tried again for as long as the waiting records stay below PENDING_BYTES. Then the newest go, counted.
- After a failed write the segment is cut back to its last good byte, or left behind for a new one.
- What waits is in memory once: of a commit, PORTION_BYTES at a time are encoded and written, and then all is synced.
"""

import contextlib
import errno
import fcntl
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Generic, NamedTuple, TypeVar
from uuid import uuid4

from tracer import metrics
from tracer.spool import durable, segment, unfinished
from tracer.spool.end import End

_log = logging.getLogger(__name__)

# Records waiting for a disk that is slow or full. 64 MiB is some 15,000 ordinary calls.
PENDING_BYTES = 64 << 20
# Of what is written at once, there are two copies more for a moment.
PORTION_BYTES = 4 << 20
# How long a group commit gathers under `fast`: the bound of what a kill -9 can lose.
GATHER_SECONDS = 0.01
# Pause between two tries when the disk refuses.
RETRY_SECONDS = 0.2
# How long a disk that refuses is tried when the writer is told to stop.
CLOSING_SECONDS = 2.0

Item = TypeVar("Item")
Done = Callable[[bool], None]


class SpoolInUse(Exception):
    """Another process writes this log."""


class _Waiting(NamedTuple):
    item: Any  # None if it was encoded at once
    frame: bytes | None  # of the item, if it was encoded at once; empty if it cannot be
    size: int
    done: Done | None
    noted: bytes | None = None  # the key of the notes that it was under way, if there are any


class Writer(Generic[Item]):
    """Appends items to one log. `encode` runs on the writer's thread, or where the item is appended.

    `max_bytes` bounds the log on disk; `drop_old` says whether the oldest segment or the newest record goes at the bound.
    Raises SpoolInUse or OSError when made.
    """

    def __init__(
        self,
        log: Path,
        encode: Callable[[Item], bytes],
        *,
        max_bytes: int,
        segment_bytes: int,
        drop_old: bool = True,
        gather_seconds: float = GATHER_SECONDS,
    ) -> None:
        self._log = log
        self._encode = encode
        self._segment_bytes = segment_bytes
        self._gather_seconds = gather_seconds
        self._queue: SimpleQueue[_Waiting | None] = SimpleQueue()
        self._waiting_bytes = 0  # changed by both threads; a bound may be off by a record or two
        durable.make_folder(log)
        self._lock = _lock(log)
        _make_id(log)
        # What the last writer left unfinished stays for later if the disk is full.
        self.notes = unfinished.Notes(log, writes=_unless_full(log, partial(_recover, log)))
        self._end = End(log, max_bytes=max_bytes, drop_old=drop_old)
        self.healthy = _unless_full(log, self._end.next_segment)  # the last write worked
        metrics.spool_ok.labels(self._log.name).set(self.healthy)
        self._thread = threading.Thread(target=self._run, name="spool", daemon=True)
        self._thread.start()

    def append(
        self, item: Item, size: int, done: Done | None = None, *, at_once: bool = False, noted: bytes | None = None
    ) -> bool:
        """Hand over an item of about `size` bytes; whether it fits. `done(on_disk)` is called from the writer's thread.

        `at_once`: encode it here, which is cheaper for small ones: what they are made of is in the processor's cache, and two
        threads of Python only take turns. `noted`: what its `notes` call it; their end is noted when it is on disk.
        """
        if self._waiting_bytes > PENDING_BYTES:
            metrics.dropped.labels("spool_behind" if self.healthy else "spool_unwritable").inc()
            if noted:
                self.notes.ended(noted)
            if done:
                done(False)
            return False
        self._waiting_bytes += size
        frame = self._framed(item) if at_once else None
        self._queue.put(_Waiting(None if at_once else item, frame, size, done, noted))
        return True

    def close(self) -> None:
        """Commit what was appended, then stop. What a disk still refuses after CLOSING_SECONDS is lost, counted."""
        self._queue.put(None)
        self._thread.join()
        self.notes.close()
        self._end.close()
        os.close(self._lock)

    def _run(self) -> None:
        closing = False
        while not closing:
            first = self._queue.get()
            if first is None:
                return
            batch = [first]
            try:
                if first.done is None:
                    time.sleep(self._gather_seconds)
                rest, closing = self._gathered()
                batch += rest
                closing |= self._commit(batch, closing)
            except Exception:
                # Without this thread every call from here on would be lost, and nobody would say so.
                _log.exception("a commit to the spool %s failed: its %d records are lost", self._log, len(batch))
                self.healthy = False
                metrics.dropped.labels("commit_error").inc(len(batch))
                _tell(batch, on_disk=False)
                self._note_ends(batch)

    def _gathered(self) -> tuple[list[_Waiting], bool]:
        """Everything in the queue, and whether the writer was told to stop."""
        batch: list[_Waiting] = []
        with contextlib.suppress(Empty):
            while (entry := self._queue.get_nowait()) is not None:
                batch.append(entry)
            return batch, True
        return batch, False

    def _commit(self, batch: list[_Waiting], closing: bool) -> bool:
        """Write a batch, however long it takes; whether the writer was told to stop meanwhile."""
        waiting = batch
        give_up = 0.0
        while not self._try_write(batch):
            _tell(waiting, on_disk=False)  # a reply must not wait for a disk that refuses, nor one that comes meanwhile
            if closing:
                give_up = give_up or time.monotonic() + CLOSING_SECONDS
                if time.monotonic() >= give_up:
                    metrics.dropped.labels("spool_unwritable").inc(sum(entry.frame != b"" for entry in batch))
                    self._note_ends(batch)
                    break
            time.sleep(RETRY_SECONDS)
            waiting, told = self._gathered()
            closing |= told
            batch += waiting
        else:
            self._note_ends(batch)
            _tell(waiting, on_disk=True)
        self._waiting_bytes -= sum(entry.size for entry in batch)
        return closing

    def _note_ends(self, batch: list[_Waiting]) -> None:
        """They are on disk, or counted: if the process dies now, they are not unfinished."""
        self.notes.ended(*[entry.noted for entry in batch if entry.noted])

    def _portions(self, batch: list[_Waiting]) -> Iterator[list[bytes]]:
        """The records of a batch that can be encoded."""
        frames: list[bytes] = []
        size = 0
        for number, entry in enumerate(batch):
            frame = self._framed(entry.item) if entry.frame is None else entry.frame
            if not frame:
                batch[number] = entry._replace(item=None, frame=b"")  # it has been counted
                continue
            frames.append(frame)
            size += len(frame)
            if size >= PORTION_BYTES:
                yield frames
                frames, size = [], 0
        if frames:
            yield frames

    def _framed(self, item: Item) -> bytes:
        """An item as it stands in a segment; empty if it cannot be encoded."""
        try:
            return segment.frame(self._encode(item), time.time_ns())
        except Exception:
            # This is the request edge: one record that cannot be encoded must not take the others with it, nor the thread.
            _log.exception("a record could not be encoded and is lost")
            metrics.dropped.labels("encode_error").inc()
            return b""

    def _try_write(self, batch: list[_Waiting]) -> bool:
        """Append and sync, all or nothing. False if the disk refused; records beyond the bound are dropped, counted."""
        records = left_out = 0
        try:
            with metrics.commit_seconds.time():
                for frames in self._portions(batch):
                    if self._end.write(b"".join(frames)):
                        records += len(frames)
                    else:
                        left_out += len(frames)
                self._end.sync()
        except OSError as error:
            if self.healthy:
                _log.error("cannot write the spool %s: %s; trying again, replies go on", self._log, error.strerror)
            self.healthy = False
            metrics.spool_ok.labels(self._log.name).set(0)
            self._end.cut_back()
            return False
        if left_out:
            metrics.dropped.labels("spool_full").inc(left_out)
        if not records:
            return True
        if not self.healthy:
            _log.warning("the spool %s can be written again", self._log)
        self.healthy = True
        metrics.spool_ok.labels(self._log.name).set(1)
        metrics.spooled.inc(records)
        if self._end.size >= self._segment_bytes:
            with contextlib.suppress(OSError):  # the old segment goes on being used, and the next commit tries again
                self._end.next_segment()
        return True


def _unless_full(log: Path, do: Callable[[], None]) -> bool:
    """Do it; False if the disk is full: a worker that starts then serves all the same. Raises any other OSError, which is a
    mistake that somebody should hear of."""
    try:
        do()
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        _log.error("the disk of the spool %s is full; replies go on, and it is tried again", log)
        return False
    return True


def _tell(waiting: list[_Waiting], *, on_disk: bool) -> None:
    for entry in waiting:
        if entry.done:
            entry.done(on_disk)


def _lock(log: Path) -> int:
    """A descriptor that holds the log's lock until it is closed, or the process ends in whatever way."""
    file = os.open(log / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        raise SpoolInUse(f"{log} is being written by another Tracer; give each its own TRACER_DATA_DIR") from None
    return file


def _recover(log: Path) -> None:
    if found := unfinished.recover(log):
        _log.warning("%d calls were under way when the last worker on %s ended; each has its record", found, log.name)


def _make_id(log: Path) -> None:
    """Once for all: a log whose id a power cut has emptied would send what is on its way under another token."""
    if not (log / "id").exists():
        durable.replace(log / "id", uuid4().hex.encode())
