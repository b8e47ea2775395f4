"""A reply before and after somebody takes it: nothing is lost, nothing is out of order, and whoever was held goes on."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from tracer.proxy import reply as replies
from tracer.proxy.failures import UpstreamFailed
from tracer.proxy.reply import Receiver, Reply

PIECES = st.lists(st.binary(min_size=1, max_size=60_000), max_size=12)


class Source:
    """Gives pieces while it is not held, then the end or an error."""

    def __init__(self, pieces: list[bytes], error: UpstreamFailed | None) -> None:
        self.pieces, self.error = list(pieces), error
        self.receiver: Receiver | None = None
        self.held = self.told = False

    def pass_to(self, receiver: Receiver) -> None:
        self.receiver = receiver

    def hold(self) -> None:
        self.held = True

    def go_on(self) -> None:
        self.held = False

    def give(self) -> None:
        """One more of what there is, if nobody holds it."""
        assert self.receiver is not None
        if self.held or self.told:
            return
        if self.pieces:
            self.receiver.piece(self.pieces.pop(0))
        else:
            self.told = True
            self.receiver.failed(self.error) if self.error else self.receiver.end()


class Taker:
    """Keeps what it is told, and holds after each piece where `when` says so."""

    def __init__(self, hold: Callable[[], None], when: list[bool]) -> None:
        self.hold, self.when = hold, list(when)
        self.got: list[bytes] = []
        self.how: Any = None

    def piece(self, data: bytes) -> None:
        self.got.append(data)
        if self.when and self.when.pop(0):
            self.hold()

    def end(self) -> None:
        self.how = "end"

    def failed(self, error: UpstreamFailed) -> None:
        self.how = error


def reply_of(source: Source) -> Reply:
    message = SimpleNamespace(code=200, reason="OK", raw_headers=(), headers=CIMultiDict(), chunked=True)
    made = Reply(message, SimpleNamespace(is_eof=lambda: source.told), source)  # type: ignore[arg-type]
    source.pass_to(made)
    return made


@given(PIECES, st.integers(0, 14), st.lists(st.booleans(), max_size=12), st.booleans())
def test_passed_on(pieces: list[bytes], before: int, holds: list[bool], breaks: bool) -> None:
    error = UpstreamFailed("reset") if breaks else None
    source = Source(pieces, error)
    reply = reply_of(source)
    for _ in range(before):
        source.give()
    taker = Taker(reply.hold, holds)
    reply.pass_to(taker)
    for _ in range(3 * len(pieces) + 3):
        if source.held:
            assert taker.got  # it is the taker that holds, and none other
            reply.go_on()
        source.give()
    assert b"".join(taker.got) == b"".join(pieces)
    assert taker.how == (error or "end")


@given(PIECES, st.integers(0, 14), st.booleans())
async def test_read(pieces: list[bytes], before: int, breaks: bool) -> None:
    error = UpstreamFailed("reset") if breaks else None
    source = Source(pieces, error)
    reply = reply_of(source)
    for _ in range(before):
        source.give()
    got = b""
    while True:
        source.give()
        if error is not None and len(got) == len(b"".join(pieces)):
            with pytest.raises(UpstreamFailed):
                await _next(source, reply)
            break
        if not (piece := await _next(source, reply)):
            break
        got += piece
    assert got == b"".join(pieces)


async def _next(source: Source, reply: Reply) -> bytes:
    while not source.told:
        source.give()
        if source.held:
            break
    return await reply.read()


def test_what_waits_for_nobody_is_bounded() -> None:
    source = Source([b"x" * 10_000] * 100, None)
    reply_of(source)
    for _ in range(100):
        source.give()
    assert source.held
    assert replies.KEPT < (100 - len(source.pieces)) * 10_000 <= replies.KEPT + 10_000
