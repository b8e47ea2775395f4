"""What a process had begun and not ended, noted beside its log, so that its death leaves a trace there.

Strategy: a note that something began is the record that shall stand in the log if no end is ever noted; a note of its end is
only its id. Notes are appended to one file and not synced: they outlive the process, which is what they are for, not the
machine. When the log is opened again, what began and did not end becomes a segment of it.

Invariants
- Whoever writes the record itself notes the end before, so nothing stands in the log both ways.
- Notes of another boot are dropped: after a power cut nobody knows which ends were lost.
- Recovery may be cut short anywhere: RECOVERED, once it is there, stands for all notes, and becomes the segment by one rename.
- A disk that takes no notes costs the notes, and nothing else.
"""

import contextlib
import logging
import os
import time
from collections.abc import Iterator
from pathlib import Path

from tracer.spool import durable, segment

_log = logging.getLogger(__name__)

NOTES, RECOVERED = "unfinished", "recovered"
# The file is begun anew beyond this size.
LARGEST = 64 << 20
ID_BYTES = 16
_BOOT, _BEGAN, _ENDED = b"=", b"+", b"-"
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class Notes:
    """The notes of one log, which its writer alone makes. Those of a process before must have been recovered; where they could
    not be, `writes` is False: none are made, and the old ones stay."""

    def __init__(self, log: Path, *, writes: bool = True) -> None:
        self._path = log / NOTES
        self._writes = writes
        self._file = -1
        self._healthy = True
        self.size = 0

    def clear(self) -> None:
        """Begin anew: nothing is under way that has been noted."""
        if not self._writes:
            return
        with self._failing():
            if self._file < 0:
                self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            os.ftruncate(self._file, 0)
            self.size = 0
            self._append(_BOOT + _boot())

    def began(self, key: bytes, record: bytes) -> None:
        """`record` is to stand in the log if no end follows; a later one of the same key takes its place."""
        if not self._writes:
            return
        if self._file < 0:
            self.clear()
        with self._failing():
            self._append(_BEGAN + key + record)

    def ended(self, key: bytes) -> None:
        if self._file < 0:
            return
        with self._failing():
            self._append(_ENDED + key)

    def close(self) -> None:
        """The log is closed in order: nothing is unfinished."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
        if self._writes:
            self._path.unlink(missing_ok=True)

    def _append(self, note: bytes) -> None:
        self.size += os.write(self._file, segment.frame(note, 0))

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
        if left:
            now = time.time_ns()  # the sink judges their age by it
            durable.replace(recovered, b"".join(segment.frame(record, now) for record in left))
    (log / NOTES).unlink(missing_ok=True)
    if not recovered.exists():
        return 0
    count = segment.count(recovered.read_bytes())
    recovered.rename(segment.path(log, max(segment.numbers(log), default=0) + 1))
    durable.sync_folder(log)
    return count


def _unfinished(notes: Path) -> list[bytes]:
    try:
        data = notes.read_bytes()
    except FileNotFoundError:
        return []
    began: dict[bytes, bytes] = {}
    for found in segment.parse(data, 0, max_records=len(data), final=True).records:
        kind, note = found.payload[:1], found.payload[1:]
        if kind == _BOOT and note != _boot():
            return []
        if kind == _BEGAN:
            began[note[:ID_BYTES]] = note[ID_BYTES:]
        elif kind == _ENDED:
            began.pop(note, None)
    return list(began.values())


def _boot() -> bytes:
    """What tells this run of the machine from others; empty where that cannot be told."""
    try:
        return _BOOT_ID.read_bytes().strip()
    except OSError:
        return b""
