"""What a process had begun and not ended, noted beside its log, so that its death leaves a trace there.

Strategy: a note that something began is the record that shall stand in the log if no end is ever noted; a note of its end is
only its id. Notes are appended to one file and not synced: they outlive the process, which is what they are for, not the
machine. When the log is opened again, what began and did not end becomes a segment of it.

Invariants
- The end is noted when the record itself is on disk. Who dies in between leaves both; recovery looks at the end of the log, and
  what is there is not unfinished. So nothing stands in the log both ways, and nothing in neither.
- Notes of another boot are dropped: after a power cut nobody knows which ends were lost.
- Recovery may be cut short anywhere: RECOVERED, once it is there, stands for all notes, and becomes the segment by one rename.
- A disk that takes no notes costs the notes, and nothing else. Ends are owed until one is taken: else a call that was noted
  before the disk was full would be taken for unfinished long after it has its record.
"""

import contextlib
import errno
import logging
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

from tracer.spool import durable, segment

_log = logging.getLogger(__name__)

NOTES, RECOVERED = "unfinished", "recovered"
# The file is begun anew beyond this size.
LARGEST = 64 << 20
ID_BYTES = 16
# A call's record has its id in front. What a process had committed and not yet noted as ended was written in its last moments.
_ID = re.compile(rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_ID_WITHIN = 64
_LAST_MOMENTS_NS = 10_000_000_000
_BOOT, _BEGAN, _ENDED = b"=", b"+", b"-"
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class Notes:
    """The notes of one log, which its writer alone makes: beginnings where calls are served, ends on the writer's thread.

    Those of a process before must have been recovered; where they could not be, `writes` is False: none are made, and the old
    ones stay.
    """

    def __init__(self, log: Path, *, writes: bool = True) -> None:
        self._path = log / NOTES
        self._writes = writes
        self._file = -1
        self._healthy = True
        self._open: set[bytes] = set()  # whose beginnings are in the file
        self._owed: set[bytes] = set()  # of those that have ended, the ones whose ends the disk has refused
        self._headed = False  # whether the file says which boot it is of
        self.size = 0  # beyond the first note, which says which boot it is

    @property
    def may_be_cleared(self) -> bool:
        """Whether there is something in the file, and nothing of it is under way."""
        return self.size > 0 and not self._open

    def clear(self) -> None:
        """Begin anew: nothing is under way that has been noted."""
        if not self._writes:
            return
        with self._failing():
            if self._file < 0:
                self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            self._open.clear()
            self._headed = False
            os.ftruncate(self._file, 0)
            self._owed.clear()
            self._append(_BOOT + _boot())
            self._headed, self.size = True, 0

    def began(self, key: bytes, record: bytes) -> None:
        """`record` is to stand in the log if no end follows; a later one of the same key takes its place."""
        if not self._headed:
            self.clear()
        if not self._headed:
            return
        with self._failing():
            self._append(_BEGAN + key + record)
            self._open.add(key)

    def ended(self, *keys: bytes) -> None:
        """Their records are on disk, or have been counted as lost. One write for all: each lets go of the interpreter."""
        self._owed.update(self._open.intersection(keys))
        self._open.difference_update(keys)
        owed = tuple(self._owed)
        if self._file < 0 or not owed:
            return
        with self._failing():
            self._append(*(_ENDED + key for key in owed))
            self._owed.difference_update(owed)

    def close(self) -> None:
        """The log is closed in order: nothing is unfinished."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
        if self._writes:
            self._path.unlink(missing_ok=True)

    def _append(self, *notes: bytes) -> None:
        # Of two threads, without a lock: the file is open for appending, and a size that is off by a note does no harm.
        data = b"".join([segment.frame(note, 0) for note in notes])
        written = os.write(self._file, data)
        self.size += written
        if written < len(data):  # a disk that is getting full takes a part first; what follows the torn note can be read
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    @contextlib.contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if self._healthy:
                _log.warning("cannot note what is under way in %s: %s; replies go on", self._path, error.strerror)
            self._healthy = False


def recover(log: Path) -> int:
    """Make a segment of what the last writer of a log left unfinished; how many records. Raises OSError."""
    recovered = log / RECOVERED
    if not recovered.exists():
        left = _unfinished(log / NOTES)
        written = _last_written(log) if left else set()
        records = [record for key, record in left.items() if str(UUID(bytes=key)).encode() not in written]
        if records:
            now = time.time_ns()  # the sink judges their age by it
            durable.replace(recovered, b"".join(segment.frame(record, now) for record in records))
    (log / NOTES).unlink(missing_ok=True)
    if not recovered.exists():
        return 0
    count = segment.count(recovered.read_bytes())
    recovered.rename(segment.path(log, max(segment.numbers(log), default=0) + 1))
    durable.sync_folder(log)
    return count


def _last_written(log: Path) -> set[bytes]:
    """Ids of the calls whose records the last writer wrote in its last moments."""
    found: set[bytes] = set()
    for number in segment.numbers(log)[-2:]:  # it may just have begun another
        data = segment.path(log, number).read_bytes()
        records = segment.parse(data, 0, max_records=len(data), final=True).records
        since = records[-1].written_ns - _LAST_MOMENTS_NS if records else 0
        for record in records:
            if record.written_ns >= since and (match := _ID.search(record.payload, 0, _ID_WITHIN)):
                found.add(match[0])
    return found


def _unfinished(notes: Path) -> dict[bytes, bytes]:
    """By key."""
    try:
        data = notes.read_bytes()
    except FileNotFoundError:
        return {}
    began: dict[bytes, bytes] = {}
    for found in segment.parse(data, 0, max_records=len(data), final=True).records:
        kind, note = found.payload[:1], found.payload[1:]
        if kind == _BOOT and note != _boot():
            return {}
        if kind == _BEGAN:
            began[note[:ID_BYTES]] = note[ID_BYTES:]
        elif kind == _ENDED:
            began.pop(note, None)
    return began


def _boot() -> bytes:
    """What tells this run of the machine from others; empty where that cannot be told."""
    try:
        return _BOOT_ID.read_bytes().strip()
    except OSError:
        return b""
