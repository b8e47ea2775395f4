"""Asking more than once, where the caller's config says so. Every attempt that failed is a row and a span of its own.

The last attempt is the call itself; those before it are its children, so costs add up and the trace shows what was tried.
A retry needs a body that can be sent again, so an upload that was passed on piece by piece is asked once.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable

from tracer.proxy.failures import UpstreamFailed
from tracer.proxy.flight import Flight
from tracer.proxy.headers import recorded
from tracer.proxy.pool import Pool
from tracer.proxy.portkey_config import Retry
from tracer.proxy.recorder import Recorder
from tracer.proxy.relay import note_failure
from tracer.proxy.reply import Reply
from tracer.proxy.route import Origin
from tracer.proxy.tee import Tee
from tracer.proxy.upstream import Connection
from tracer.records import Outcome

# Between attempts: doubled each time, with jitter, so that many callers do not return in step.
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 16.0
# What a provider may ask for at most (`retry-after`); SDKs give up at about as much.
LONGEST_WISH = 60.0
# Of a reply that is not passed on, this much is read and kept.
_ERROR_BYTES = 256 << 10

Asked = tuple[Connection, Reply]


async def ask_until(
    ask: Callable[[], Awaitable[Asked]], retry: Retry, flight: Flight, recorder: Recorder, pool: Pool, to: Origin
) -> tuple[Asked, int]:
    """The first reply whose status is not one to retry, or the last one; and how many retries it took, -1 if all failed.

    Raises UpstreamFailed when the last attempt got no reply.
    """
    for tries in range(retry.attempts + 1):
        last = tries == retry.attempts
        began_ns = flight.clock()
        try:
            connection, reply = await ask()
        except UpstreamFailed as error:
            if last:
                raise
            note_failure(flight, error)
            wish = None
        else:
            if reply.status not in retry.on_status_codes:
                return (connection, reply), tries
            if last:
                return (connection, reply), -1
            await _read_away(connection, reply, flight, began_ns)
            pool.give_back(to, connection)
            wish = _wish(reply) if retry.use_retry_after else None
        recorder.record(flight.attempt_failed(began_ns, tries))
        await asyncio.sleep(_pause(tries) if wish is None else min(wish, LONGEST_WISH))
    raise AssertionError("the last attempt returns or raises")


async def _read_away(connection: Connection, reply: Reply, flight: Flight, began_ns: int) -> None:
    """Keep what a provider said that the client will not see."""
    flight.status, flight.response_headers = reply.status, recorded(reply.raw_headers)
    flight.response = tee = Tee(_ERROR_BYTES)
    try:
        while tee.size < _ERROR_BYTES and (piece := await reply.read()):
            flight.first_byte_ns = flight.first_byte_ns or flight.clock()
            tee.add(piece, flight.clock() - began_ns)  # times of the attempt, not of the call
    except UpstreamFailed as error:
        note_failure(flight, error)
    except BaseException:  # cancelled: the client has left
        connection.close()
        raise
    flight.upstream_end_ns = flight.clock()
    flight.end(Outcome.UPSTREAM_ERROR)


def _wish(reply: Reply) -> float | None:
    """Seconds that the provider asks to wait, where it says so in seconds."""
    for name, unit in (("retry-after-ms", 1000), ("retry-after", 1)):
        value = reply.headers.get(name, "")
        if value.isascii() and value.isdigit() and len(value) < 10:
            return int(value) / unit
    return None


def _pause(tries: int) -> float:
    return float(min(FIRST_PAUSE * 2**tries, LONGEST_PAUSE) * random.uniform(0.75, 1.0))
