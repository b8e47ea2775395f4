"""Requests with a token each, and a provider that says the token back: a reply that went to another request is seen.

The token is in the path, in a header of the answer and in its body; all have the same length, so that how the bytes of a
request are cut does not depend on what ran before.
"""

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest

from tests.provider import Provider, Reply, chunk, reply
from tests.provider.request import Request
from tests.proxy.http.wire import Answer, Closed, Wire, request

_numbers = itertools.count(1_000_001)
CHUNKED = "Transfer-Encoding: chunked"


def answered(asked: Request) -> Reply:
    """An answer with the request's token, in a framing that the token's last digits choose."""
    token = asked.path.rpartition("/")[2]
    body = f"{token} {asked.method} {len(asked.body)} ".encode() + bytes(asked.body)[:100]
    lines = [("X-Token", token)]
    match int(token or 0) % 5:
        case 0:
            return reply(200, lines, body)
        case 1:
            return reply(200, lines, [body[:3], body[3:]], framing="chunked")
        case 2:
            return reply(200, lines, body, interim=[(103, [("Link", "</x>")])])
        case 3:
            return replace(reply(200, lines, body), before=(0.003,))
        case _:
            return reply(404, lines, body)


@dataclass(frozen=True)
class Asked:
    """A request and what its answer must say."""

    token: str
    method: str
    data: bytes
    size: int

    def check(self, got: Answer) -> None:
        assert got.status in (200, 404), got
        assert got.header("x-token") == self.token
        if self.method != "HEAD":
            assert got.body.startswith(f"{self.token} {self.method} {self.size} ".encode())
        assert got.complete


def asked(kind: str = "get") -> Asked:
    token = str(next(_numbers))
    body = f"body of {token} ".encode() * 20
    post = f"/v1/files/{token}"
    match kind:
        case "post":
            return Asked(token, "POST", request("POST", post, (), body), len(body))
        case "chunked":
            framed = b"".join(chunk(body[at : at + 7]) for at in range(0, len(body), 7)) + b"0\r\nX-T: 1\r\n\r\n"
            return Asked(token, "POST", request("POST", post, [CHUNKED], framed), len(body))
        case "empty":
            return Asked(token, "POST", request("POST", post, ["Content-Length: 0"]), 0)
        case "head":
            return Asked(token, "HEAD", request("HEAD", post), 0)
        case _:
            return Asked(token, "GET", request("GET", post), 0)


KINDS = ["get", "post", "chunked", "empty", "head"]


async def in_turn(client: Wire, several: Sequence[Asked]) -> int:
    """Each gets its own answer, up to one that says that it is the last; how many did."""
    for number, one in enumerate(several, 1):
        got = await client.answer(one.method)
        one.check(got)
        if got.closes:
            await nothing_more(client)
            return number
    return len(several)


async def nothing_more(client: Wire) -> None:
    """A connection that was announced to end may stay a while, for what the client still sends; nothing is answered on it."""
    with pytest.raises((Closed, TimeoutError)):
        await asyncio.wait_for(client.answer(), 0.05)


async def still_in_step(client: Wire, provider: Provider, method: str = "GET") -> None:
    """The same connection serves one more request, with an answer of its own."""
    provider.reply(reply(200, [("X-Next", "yes")], b"next"))
    await client.write(request(method, "/v1/next"))
    got = await client.answer(method)
    assert (got.status, got.header("x-next"), got.body) == (200, "yes", b"" if method == "HEAD" else b"next")
