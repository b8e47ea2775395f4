"""Calls that are under way, noted on disk once they take long, so that a worker's death leaves a row of each.

Most calls of a fast upstream end before anything is noted. A call that is older than FIRST_S gets its note, the record that it
is to become if nothing else is heard of it, and a new one each time its age has grown FACTOR-fold: a stream that is cut after
a minute must not look like one that took a moment.

    outcome proxy_crash   what had come when the note was made: times, content and tokens are a lower bound
"""

import asyncio
import copy
import heapq
import logging
import weakref
from collections import deque

from tracer.patterns.redactor import Redactor
from tracer.proxy.flight import Flight, copy_of, encode
from tracer.records import Outcome
from tracer.spool.unfinished import LARGEST, Notes

_log = logging.getLogger(__name__)

FIRST_S, FACTOR = 0.05, 4
# How often is looked for calls that are due for their first note or another.
_LOOK_S = 0.025
MESSAGE = "the worker ended while the call was under way"
# Of a note, at most so much of each body; those of larger calls are made on a thread.
_CAPTURED = 64 << 10
_LARGE = 128 << 10


class OpenCalls:
    """Notes the calls of one worker. Used on its event loop only."""

    def __init__(self, notes: Notes, redactor: Redactor | None = None) -> None:
        self._notes = notes
        self._redactor = redactor
        self._young: deque[tuple[float, Flight]] = deque()
        self._noted: set[Flight] = set()
        # When the next note of each is due, and a number to tell equal times apart. It may outlive the call.
        self._due: list[tuple[float, int, weakref.ref[Flight]]] = []
        self._number = 0
        self._now = asyncio.get_running_loop().time

    def began(self, flight: Flight) -> None:
        self._young.append((self._now(), flight))

    def ended(self, flight: Flight) -> bytes | None:
        """The key of its notes, if there are any: the spool notes the end when the call's record is on disk."""
        if flight not in self._noted:
            return None
        self._noted.discard(flight)
        return flight.call_id.bytes

    async def keep_noting(self) -> None:
        """Note for ever."""
        while True:
            await asyncio.sleep(_LOOK_S)
            await self.note_due()

    async def note_due(self) -> None:
        """Note what has been open for long enough.

        The event loop turns after each: with a thousand streams open hundreds are due at a time, and a piece of one must not
        wait for the notes of the others.
        """
        now = self._now()
        while self._young and self._young[0][0] <= now - FIRST_S:
            await self._note(self._young.popleft()[1])
        while self._due and self._due[0][0] <= now:
            flight = heapq.heappop(self._due)[2]()
            if flight is not None:
                await self._note(flight)
        if self._notes.may_be_cleared or self._notes.size > LARGEST:
            self._due.clear()
            self._notes.clear()
            for flight in list(self._noted):
                await self._note(flight)

    async def _note(self, flight: Flight) -> None:
        if flight.recorded:
            return
        try:
            left = _left_open(flight)
            large = flight.request.size + flight.response.size > _LARGE or not flight.content or self._redactor is not None
            record = await asyncio.to_thread(encode, left, _CAPTURED, self._redactor) if large else encode(left, _CAPTURED)
        except Exception:
            # The worker's own tasks would end with this one. The call goes on, and its record is tried again when it ends.
            _log.exception("call %s could not be noted as under way", flight.call_id)
            return
        if not flight.recorded:  # it may have ended meanwhile
            self._noted.add(flight)
            self._notes.began(flight.call_id.bytes, record)
            self._number += 1
            age_s = flight.clock() / 1e9
            heapq.heappush(self._due, (self._now() + (FACTOR - 1) * age_s, self._number, weakref.ref(flight)))
        await asyncio.sleep(0)


def _left_open(flight: Flight) -> Flight:
    """A flight as it would be recorded if its worker died now."""
    left = copy.copy(flight)
    left.request, left.response = copy_of(flight.request), copy_of(flight.response)  # which go on growing
    left.end(Outcome.PROXY_CRASH, "proxy_crash", MESSAGE)
    left.end_ns = left.upstream_end_ns = flight.clock()
    return left
