"""Generated calls, each through Tracer and directly to the same provider: both ends must see the same.

What Tracer changes on purpose is written down in generated.py and asserted; the rest is compared byte for byte. A run of
the tests makes TRACER_TEST_CALLS calls (below) from seeds of its own; a failure names the seed, and
TRACER_TEST_SEED=N TRACER_TEST_CALLS=1 repeats it. In CI the seeds are the same every time.
"""

import asyncio
import os
import random

import pytest

from tests.provider import Provider, Reply
from tests.provider.request import Request
from tests.proxy.http.conftest import Worker
from tests.proxy.http.generated import TOKEN, Generated, expected_down, expected_up, generate
from tests.proxy.http.wire import OURS, Answer, Closed, Lines, Wire, connect

# Read before the tests' own environment is emptied.
CALLS = int(os.environ.get("TRACER_TEST_CALLS", "1500"))
FIRST = int(os.environ.get("TRACER_TEST_SEED", "0")) or (1 if "CI" in os.environ else random.randrange(1, 10**9 - CALLS))
CLIENTS = 6
FRAMING = (b"content-length", b"transfer-encoding", b"connection")


class Calls:
    """The generated calls in hand, and what of them reached the provider: by token, directly first."""

    def __init__(self) -> None:
        self.made: dict[str, Generated] = {}
        self.came: dict[str, list[Request]] = {}

    def answer(self, came: Request) -> Reply:
        token = came.header(TOKEN) or ""
        self.came.setdefault(token, []).append(came)
        return self.made[token].reply


class Side:
    """A client that keeps its connection for as long as it is kept."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._open: Wire | None = None

    async def ask(self, made: Generated, pieces: list[bytes]) -> Answer:
        if self._open is None:
            self._open = await connect(self.port)
        await self._open.write(*pieces, gap_s=0)
        got = await self._open.answer(made.method)
        if got.closes or made.ends:
            self.close()
        return got

    def __enter__(self) -> "Side":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if self._open is not None:
            self._open.writer.close()
            self._open = None


def lines(came: Request) -> Lines:
    return tuple((name.encode("latin-1"), value.encode("latin-1")) for name, value in came.headers)


def unframed(came: Lines) -> Lines:
    return tuple(line for line in came if line[0].lower() not in (*FRAMING, b"host"))


def compare_up(made: Generated, direct: Request, through: Request) -> None:
    """What arrived at the provider."""
    assert (direct.method, direct.target, bytes(direct.body)) == (made.method, made.target, made.body)
    target = made.target.removeprefix("/proxy/openai")
    assert (through.method, through.target, bytes(through.body)) == (made.method, target, made.body)
    assert through.complete
    assert unframed(lines(through)) == expected_up(made.lines)
    assert "x-portkey-" not in str(through.headers).lower()
    if made.body:
        one_framing = (through.header("content-length"), through.header("transfer-encoding"))
        assert one_framing in ((str(len(made.body)), None), (None, "chunked"))


def compare_down(made: Generated, direct: Answer, through: Answer) -> None:
    """What arrived at the client."""
    assert (direct.status, direct.body, direct.complete) == (made.status, made.reply_body, True)
    assert (through.status, through.reason, through.body, through.complete) == (direct.status, direct.reason, direct.body, True)
    got = through.without(*FRAMING, *OURS)
    assert got == tuple(line for line in expected_down(made.reply_lines) if line[0].lower() not in FRAMING)
    for name in OURS:
        assert through.header(name.decode())
    sent_length = dict((name.lower(), value) for name, value in made.reply_lines).get(b"content-length")
    if sent_length is not None:
        assert (through.header("content-length") or "").encode() == sent_length


@pytest.mark.timeout(60 + CALLS // 20)
async def test_generated_calls(worker: Worker, provider: Provider) -> None:
    calls = Calls()
    provider.always(calls.answer)
    seeds = iter(range(FIRST, FIRST + CALLS))

    async def one_client() -> None:
        with Side(provider.port) as direct, Side(worker.port) as through:
            for seed in seeds:
                await one_call(seed, direct, through)

    async def one_call(seed: int, direct: Side, through: Side) -> None:
        made = calls.made.setdefault(f"t{seed:09d}", generate(seed))
        data = made.data(f"127.0.0.1:{provider.port}")
        cut = seed * 7919 % len(data)
        try:
            first = await direct.ask(made, [data])
            second = await through.ask(made, [data[:cut], data[cut:]])
            came = calls.came.pop(made.token)
            assert len(came) == 2, second
            compare_up(made, *came)
            compare_down(made, first, second)
        except (AssertionError, TimeoutError, Closed) as error:
            raise AssertionError(f"TRACER_TEST_SEED={seed} TRACER_TEST_CALLS=1 repeats it") from error
        del calls.made[made.token]
        provider.requests.clear()

    async with asyncio.TaskGroup() as group:
        for _ in range(CLIENTS):
            group.create_task(one_client())
    assert not calls.made
