"""Which queries run, how many at once, and by what name they can be ended.

Strategy: users' statements take turns (`store_queries` of them at once); who waits longer than `store_queue_wait` is refused
with ClickHouse's 202. Tracer's own writer takes no turn. A statement is known by its user and the query_id that the client
gave, and to the engine by a name of our own, since two users may choose the same id and the engine knows no id at all.

Everything here happens on the event loop; only the engine's own calls are on threads.
"""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from tracer.store.errors import failure

CANCELLED = 394
_TOO_MANY = 202
_SAME_ID = 216
# ClickHouse's replace_running_query_max_wait_ms.
_KILL_SECONDS = 5.0
_KILL_AGAIN_SECONDS = 0.2


@dataclass(slots=True)
class Turn:
    """One statement, from its request to its end."""

    user: str
    query_id: str
    text: str
    name: str = field(default_factory=lambda: f"tracer-{uuid.uuid4().hex}")
    format: str = ""  # of its result, once it is known
    killed: bool = False
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    def check(self) -> None:
        """Raise if somebody has ended it."""
        if self.killed:
            raise failure(CANCELLED, "QUERY_WAS_CANCELLED", "Query was cancelled.")


class Turns:
    """All statements that are under way."""

    def __init__(self, at_once: int, patience: float, kill: Callable[[str], None]) -> None:
        """`kill` tells the engine to end the statement of a name; it blocks."""
        self._kill = kill
        self._at_once = at_once
        self._patience = patience
        self._free = asyncio.Semaphore(at_once)
        self._under_way: dict[tuple[str, str], Turn] = {}

    @contextlib.asynccontextmanager
    async def begin(self, turn: Turn, replace: bool) -> AsyncIterator[None]:
        """While the context lasts, `turn` can be found and killed. Raises QueryFailed if its id is in use."""
        key = (turn.user, turn.query_id)
        other = self._under_way.get(key)
        if other is not None and replace:
            await self.end(other)
        if key in self._under_way:
            raise failure(
                _SAME_ID,
                "QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING",
                f"Query with id = {turn.query_id} is already running.",
            )
        self._under_way[key] = turn
        try:
            yield
        finally:
            del self._under_way[key]
            turn.ended.set()

    @contextlib.asynccontextmanager
    async def place(self, turn: Turn) -> AsyncIterator[None]:
        """One of the places for statements that run at once. Raises QueryFailed if none gets free in time."""
        try:
            async with asyncio.timeout(self._patience):
                await self._free.acquire()
        except TimeoutError:
            reason = (
                f"Too many simultaneous queries. Maximum: {self._at_once}, and none ended within {self._patience:g} s "
                "(TRACER_STORE_QUERIES, TRACER_STORE_QUEUE_WAIT)."
            )
            raise failure(_TOO_MANY, "TOO_MANY_SIMULTANEOUS_QUERIES", reason) from None
        try:
            turn.check()
            yield
        finally:
            self._free.release()

    def found(self, query_id: str, user: str | None) -> list[Turn]:
        """The statements of that id, those of `user` or everybody's."""
        return [turn for turn in self._under_way.values() if turn.query_id == query_id and user in (None, turn.user)]

    async def end(self, turn: Turn) -> bool:
        """End a statement and wait until it has; False if it does not in time."""
        turn.killed = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_KILL_SECONDS):
                while not turn.ended.is_set():
                    # Again and again: it may have been on its way to the engine.
                    await asyncio.to_thread(self._kill, turn.name)
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(turn.ended.wait(), _KILL_AGAIN_SECONDS)
        return turn.ended.is_set()
