"""A connection that was kept open, and that the provider ends in the moment it is used again."""

from typing import Any

import pytest

from tests.provider import FIN, RST, Provider, hang_up, reply
from tests.proxy.conftest import Proxy
from tracer.proxy.ask import ASKED_AGAIN
from tracer.records import Outcome

CHAT = {"model": "m", "messages": []}


async def post(proxy: Proxy, path: str = "/v1/chat/completions", **how: Any) -> tuple[int, Any]:
    async with proxy.client.post(proxy.url + path, **(how or {"json": CHAT})) as got:
        await got.read()
        return got.status, got.headers.get("x-should-retry")


@pytest.mark.parametrize("ending", [FIN, RST])
async def test_the_request_goes_once_more(proxy: Proxy, provider: Provider, ending: Any) -> None:
    assert await post(proxy) == (200, None)
    provider.reply(hang_up(ending))
    assert await post(proxy) == (200, None)
    assert (len(provider.requests), provider.connections) == (3, 2)
    assert provider.requests[1].body == provider.requests[2].body
    first, second = await proxy.exchanges(2)
    assert (first.notes, second.notes) == ((), (ASKED_AGAIN,))
    assert (second.outcome, second.status) == (Outcome.OK, 200)


async def test_but_not_twice(proxy: Proxy, provider: Provider) -> None:
    assert await post(proxy) == (200, None)
    provider.always(hang_up())
    assert await post(proxy) == (502, "false")  # the last one was taken on a new connection: who knows what it did
    assert (len(provider.requests), provider.connections) == (3, 2)
    assert (await proxy.exchanges(2))[1].error_type == "reset"


async def test_and_not_after_a_byte_of_the_reply(proxy: Proxy, provider: Provider) -> None:
    assert await post(proxy) == (200, None)
    provider.reply(reply(200, body=b"x" * 1000).cut(10, FIN, of="head"))
    assert (await post(proxy))[0] == 502
    assert len(provider.requests) == 2


async def test_nor_with_an_upload_that_is_gone(proxy: Proxy, provider: Provider) -> None:
    """What passes piece by piece cannot be sent again; the client is told that it may."""
    assert await post(proxy) == (200, None)
    provider.reply(hang_up())
    sent = {"data": b"x" * (1 << 20), "headers": {"Content-Type": "application/octet-stream"}}
    assert await post(proxy, "/v1/files", **sent) == (502, "true")
    assert len(provider.requests) == 2
