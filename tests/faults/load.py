"""Steady load: so many calls a second whether or not the ones before were answered, and what each client got.

Half of the calls are plain, half are streams; one stream in eight is a long one. Each call has a token of 32 hex digits, its
trace id, which the provider says back. A call is `answered` when the whole reply came and it was that call's own. At most
MOST_OPEN are open at once, so that a fault which holds replies back does not bring down the clients.
"""

import asyncio
import itertools
import random
import time
from contextlib import suppress
from dataclasses import dataclass
from uuid import uuid4

import aiohttp
import orjson

MOST_OPEN = 400
TIMEOUT_S = 30.0
PREFIX = "c"  # of tokens; those that were put into the spool ahead begin with another letter


@dataclass(frozen=True, slots=True)
class Told:
    """One call as its client saw it; times by the monotonic clock."""

    token: str
    streamed: bool
    phase: str
    sent: float
    ended: float
    end: str  # answered, error, cut, refused, left
    status: int = 0

    @property
    def seconds(self) -> float:
        return self.ended - self.sent


def new_token() -> str:
    return PREFIX + uuid4().hex[1:]


def body(token: str, streamed: bool, padding: int = 0) -> bytes:
    """What a call asks."""
    messages = [{"role": "user", "content": "What is the capital of France?" + "x" * padding}]
    return orjson.dumps({"model": "gpt-4o-mini", "user": token, "stream": streamed, "messages": messages})


def headers(token: str, **more: str) -> dict[str, str]:
    own = {"Authorization": "Bearer sk-of-nobody", "Content-Type": "application/json", "x-portkey-trace-id": token}
    return own | {name.replace("_", "-"): value for name, value in more.items()}


def is_whole(got: bytes, token: str, streamed: bool) -> bool:
    """Whether a reply is all of what the provider says to this call."""
    return token.encode() in got and (got.endswith(b"data: [DONE]\n\n") if streamed else got.endswith(b"}"))


class Load:
    """Clients of one proxy."""

    def __init__(self, url: str, rate: float, more: dict[str, str] | None = None, streamed_share: float = 0.5) -> None:
        self.url = f"{url}/v1/chat/completions"
        self.rate = rate
        self.phase = "warming"
        self.told: list[Told] = []
        self.more = more or {}  # headers of every call from now on
        self.streamed_share = streamed_share
        self.padding = 0  # bytes that each call from now on asks more than it needs
        self._stop = asyncio.Event()
        self._open = asyncio.Semaphore(MOST_OPEN)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.ensure_future(self._run())

    async def stop(self) -> None:
        """No new calls; those in flight end."""
        self._stop.set()
        if self._task:
            await self._task
            self._task = None

    def calls(self, phase: str) -> list[Told]:
        return [told for told in self.told if told.phase == phase]

    async def _run(self) -> None:
        limits = aiohttp.ClientTimeout(total=TIMEOUT_S)
        async with (
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=limits) as session,
            asyncio.TaskGroup() as calls,
        ):
            began = time.monotonic()
            for number in itertools.count(1):
                wait = began + number / self.rate - time.monotonic()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stop.wait(), max(0.001, wait))
                if self._stop.is_set():
                    return
                if wait < -1:  # it could not keep up: go on from here, do not catch up in a burst
                    began -= wait
                await self._open.acquire()
                calls.create_task(self._call(session, random.random() < self.streamed_share))

    async def _call(self, session: aiohttp.ClientSession, streamed: bool) -> None:
        try:
            long = {"x-gap-ms": "150"} if streamed and random.random() < 0.125 else {}
            self.told.append(await call(session, self.url, self.phase, streamed, {**long, **self.more}, self.padding))
        finally:
            self._open.release()


async def call(
    session: aiohttp.ClientSession,
    url: str,
    phase: str,
    streamed: bool,
    more: dict[str, str],
    padding: int = 0,
    asks: str = "",
) -> Told:
    """One call, to its end whatever that is. `asks`: what its body names instead of its token, so that many are the same."""
    token = new_token()
    said = asks or token
    sent, status, end = time.monotonic(), 0, "cut"
    try:
        asked = session.post(url, data=body(said, streamed, padding), headers=headers(token) | more)
        async with asked as answer:
            status = answer.status
            got = await answer.read()
            end = "error" if status != 200 else "answered" if is_whole(got, said, streamed) else "cut"
    except aiohttp.ClientConnectorError:
        end = "refused"
    except (aiohttp.ClientError, OSError, TimeoutError):
        end = "cut"
    return Told(token, streamed, phase, sent, time.monotonic(), end, status)
