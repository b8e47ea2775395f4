"""Replies reach clients of every age framed so that they know where they end, with the provider's own header bytes."""

import asyncio

import pytest

from tests.provider import Provider, raw, reply, sse
from tests.proxy.conftest import Proxy


async def talk(proxy: Proxy, *requests: bytes) -> bytes:
    """Send requests on one connection; everything that comes back until the proxy closes it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    writer.write(b"".join(requests))
    answer = await reader.read()
    writer.close()
    return answer


def get(path: str = "/v1/models", version: str = "1.1", *headers: str) -> bytes:
    lines = [f"GET {path} HTTP/{version}", "Host: x", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


async def test_header_bytes_pass_as_they_came(proxy: Proxy, provider: Provider) -> None:
    head = b"HTTP/1.1 200 Sch\xc3\xb6n\r\nX-Latin: \xe9t\xe9\r\nx-ODD-case:  spaced \r\nContent-Length: 2\r\n\r\n"
    provider.always(raw(head, b"{}"))
    answer = await talk(proxy, get("/v1/models", "1.1", "Connection: close"))
    first, *lines = answer.partition(b"\r\n\r\n")[0].split(b"\r\n")
    assert first == b"HTTP/1.1 200 Sch\xc3\xb6n"
    assert lines[:2] == [b"X-Latin: \xe9t\xe9", b"x-ODD-case: spaced"]
    assert answer.endswith(b"\r\n\r\n{}")
    assert not [line for line in lines if line.lower().startswith((b"server:", b"date:", b"content-type:"))]


async def test_old_clients_get_no_chunks(proxy: Proxy, provider: Provider) -> None:
    provider.always(sse([b"data: 1\n\n", b"data: 2\n\n"]))
    answer = await talk(proxy, get("/v1/x", "1.0"))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.0 200")
    assert b"chunked" not in head.lower()
    assert body == b"data: 1\n\ndata: 2\n\n"  # its end is the connection's


async def test_old_clients_may_keep_the_connection_where_a_length_is_known(proxy: Proxy, provider: Provider) -> None:
    provider.always(reply(200, body=b"{}"))
    answer = await talk(proxy, get("/v1/a", "1.0", "Connection: keep-alive"), get("/v1/b", "1.0"))
    assert answer.count(b"HTTP/1.0 200") == 2
    assert answer.lower().count(b"connection: keep-alive") == 1


async def test_pipelined_requests_are_answered_in_order(proxy: Proxy, provider: Provider) -> None:
    provider.always(lambda request: reply(200, body=request.target.encode()))
    answer = await talk(proxy, get("/v1/1"), get("/v1/2"), get("/v1/3", "1.1", "Connection: close"))
    assert [answer.index(b"\r\n\r\n/v1/%d" % n) for n in (1, 2, 3)] == sorted(
        answer.index(b"\r\n\r\n/v1/%d" % n) for n in (1, 2, 3)
    )
    assert answer.lower().count(b"connection: close") == 1
    assert len(await proxy.exchanges(3)) == 3


@pytest.mark.parametrize("status", [204, 304])
async def test_nothing_follows_a_head_without_a_body(proxy: Proxy, provider: Provider, status: int) -> None:
    provider.reply(reply(status, framing="none"))
    provider.reply(reply(200, body=b"next"))
    answer = await talk(proxy, get("/v1/1"), get("/v1/2", "1.1", "Connection: close"))
    first, _, rest = answer.partition(b"\r\n\r\n")
    assert first.startswith(b"HTTP/1.1 %d" % status)
    assert b"chunked" not in first.lower()
    assert rest.startswith(b"HTTP/1.1 200")


async def test_a_reply_framed_twice_is_framed_once(proxy: Proxy, provider: Provider) -> None:
    """A provider that sends both a length and chunks is refused by the parser or framed anew; never passed on as it is."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"
    provider.always(raw(head, b"2\r\nab\r\n0\r\n\r\n"))
    answer = await talk(proxy, get("/v1/models", "1.1", "Connection: close"))
    head = answer.partition(b"\r\n\r\n")[0].lower()
    assert (b"content-length" in head) != (b"transfer-encoding" in head)


@pytest.mark.parametrize("value", [b"a\rX-Injected: 1", b"a\nX-Injected: 1"])
async def test_a_line_break_in_a_providers_header_never_becomes_a_line(proxy: Proxy, provider: Provider, value: bytes) -> None:
    provider.always(raw(b"HTTP/1.1 200 OK\r\nX-Odd: " + value + b"\r\nContent-Length: 2\r\n\r\n{}"))
    answer = await talk(proxy, get("/v1/models", "1.1", "Connection: close"))
    head = answer.partition(b"\r\n\r\n")[0]
    assert head.count(b"\r") == head.count(b"\n") == head.count(b"\r\n")
    assert b"a\rX" not in answer
    assert answer.count(b"HTTP/1.1") == 1
    assert len(await proxy.exchanges(1)) == 1
