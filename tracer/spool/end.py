"""The end of a log: the segment that is being written, and the bound on all segments together.

Invariants
- What `sync` has not confirmed is not there: after a write or a sync that failed, `cut_back` takes the segment back to its last
  good byte, or leaves it behind for a new one.
- At the bound the oldest segments go, or nothing more is taken; both are counted.
"""

import contextlib
import logging
import os
from pathlib import Path

from tracer import metrics
from tracer.spool import durable, segment
from tracer.spool.positions import undelivered

_log = logging.getLogger(__name__)


class End:
    """See the head of this file. `next_segment` begins the first one; a write does if that could not be had."""

    def __init__(self, log: Path, *, max_bytes: int, drop_old: bool) -> None:
        self._log = log
        self._max_bytes = max_bytes
        self._drop_old = drop_old
        self._number = max(segment.numbers(log), default=0)
        self._closed_bytes = sum(segment.size(log, n) for n in segment.numbers(log))
        self._file = -1
        self.size = 0  # of the segment, as far as it is synced
        self._written = 0  # beyond that

    def write(self, data: bytes) -> bool:
        """Append; False if it does not fit under the bound. Raises OSError."""
        if self._file < 0:
            self.next_segment()
        if not self._make_room(self._written + len(data)):
            return False
        done = 0
        while done < len(data):  # a disk that is getting full takes a part first, then refuses
            done += os.pwrite(self._file, memoryview(data)[done:], self.size + self._written + done)
        self._written += done
        return True

    def sync(self) -> None:
        """Make what was written last. Raises OSError."""
        if self._written:
            os.fdatasync(self._file)
            self.size, self._written = self.size + self._written, 0

    def cut_back(self) -> None:
        """Forget what was written since the last sync."""
        self._written = 0
        with contextlib.suppress(OSError):
            os.ftruncate(self._file, self.size)
            return
        with contextlib.suppress(OSError):
            self.next_segment()

    def next_segment(self) -> None:
        """Close this segment and begin another. Raises OSError."""
        number = self._number + 1
        path = segment.path(self._log, number)
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            durable.sync_folder(self._log)  # else a power cut may take the file itself
        except OSError:
            os.close(file)
            path.unlink(missing_ok=True)  # else the next try would find the name taken
            raise
        self._closed_bytes += self.size
        self.close()
        self._file, self._number, self.size = file, number, 0

    def close(self) -> None:
        """Close the segment's file."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _make_room(self, wanted: int) -> bool:
        """Whether `wanted` more bytes fit under the bound, after dropping old segments where that is the policy."""
        if self._closed_bytes + self.size + wanted <= self._max_bytes:
            return True
        closed = {n: segment.size(self._log, n) for n in segment.numbers(self._log) if n != self._number}
        while self._drop_old and closed and sum(closed.values()) + self.size + wanted > self._max_bytes:
            oldest = min(closed)
            lost = undelivered(self._log, oldest)
            segment.path(self._log, oldest).unlink(missing_ok=True)
            del closed[oldest]
            metrics.dropped.labels("spool_full").inc(lost)
            _log.error("spool %s is at its bound: %d undelivered records dropped", self._log, lost)
        self._closed_bytes = sum(closed.values())
        return self._closed_bytes + self.size + wanted <= self._max_bytes
