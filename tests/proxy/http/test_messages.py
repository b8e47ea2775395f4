"""What HTTP allows and SDKs seldom do, on one connection: permission, interim and empty replies, trailers, large heads."""

import pytest

from tests.provider import Provider, echo, raw, reply
from tests.proxy.http.conftest import LARGEST_BODY, Worker
from tests.proxy.http.tokens import still_in_step
from tests.proxy.http.wire import Wire, ask, request

CHUNKED = "Transfer-Encoding: chunked"
EXPECT = "Expect: 100-continue"


# Permission to send a body


@pytest.mark.parametrize(
    "body", [request(body=b"hello", headers=[EXPECT]), request(headers=[EXPECT, CHUNKED], body=b"5\r\nhello\r\n0\r\n\r\n")]
)
@pytest.mark.parametrize("value", [b"100-continue", b"100-Continue", b"100-CONTINUE"])
async def test_permission_is_given_once(client: Wire, provider: Provider, body: bytes, value: bytes) -> None:
    head, _, rest = body.replace(b"GET /v1/models", b"POST /v1/files").replace(b"100-continue", value).partition(b"\r\n\r\n")
    await client.write(head + b"\r\n\r\n")
    assert await client.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    await client.write(rest[:3], rest[3:])
    got = await client.answer()
    assert (got.interim, provider.requests[0].header("expect")) == ([], None)
    assert bytes(provider.requests[0].body) == b"hello"
    if not got.closes:  # as it does behind chunks
        await still_in_step(client, provider)


async def test_a_body_that_does_not_wait_for_permission(client: Wire, provider: Provider) -> None:
    await client.write(request("POST", "/v1/files", [EXPECT], b"hello") + request("GET", "/v1/models"))
    got = await client.answer()
    assert set(got.interim) <= {100}
    assert bytes(provider.requests[0].body) == b"hello"
    assert (await client.answer()).status == 200


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (request("POST", "/v1/files", [EXPECT, f"Content-Length: {LARGEST_BODY + 1}"]), 413),
        (request("POST", "/v1/chat/completions", [EXPECT, "x-portkey-provider: nobody", "Content-Length: 5"]), 400),
        (request("POST", "/v1/../x", [EXPECT, "Content-Length: 5"]), 400),
    ],
)
async def test_no_permission_for_what_is_refused(client: Wire, provider: Provider, data: bytes, status: int) -> None:
    await client.write(data)
    got = await client.answer()
    assert (got.status, got.interim) == (status, [])
    assert not provider.requests


async def test_an_old_client_gets_no_permission(worker: Worker, provider: Provider) -> None:
    provider.always(echo)
    got = await ask(worker.port, request("POST", "/v1/files", [EXPECT], b"hello", version="1.0"))
    assert (got.status, got.interim) == (200, [])


async def test_another_expectation_is_refused_or_left_alone(worker: Worker, provider: Provider) -> None:
    provider.always(echo)
    got = await ask(worker.port, request("POST", "/v1/files", ["Expect: 200-ok"], b"hello"))
    assert got.status in (200, 417)
    assert all(one.header("expect") is None for one in provider.requests)


# Interim replies, empty replies, trailers


@pytest.mark.parametrize("codes", [[100], [102], [103], [103, 103, 102, 100], [199], [103] * 50])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
async def test_interim_replies_are_not_the_reply(client: Wire, provider: Provider, codes: list[int], method: str) -> None:
    provider.reply(reply(200, [("X-Final", "1")], b"final", interim=[(code, [("Link", "</x>")]) for code in codes]))
    await client.write(request(method, "/v1/files"))
    got = await client.answer(method)
    assert (got.status, got.header("x-final"), got.body) == (200, "1", b"" if method == "HEAD" else b"final")
    await still_in_step(client, provider)
    assert provider.connections == 1


@pytest.mark.parametrize("length", [None, "0", "5", "999999999"])
@pytest.mark.parametrize(
    ("method", "status"), [("HEAD", 200), ("HEAD", 404), ("GET", 204), ("GET", 304), ("POST", 204), ("HEAD", 304)]
)
async def test_nothing_follows_whatever_the_length_says(
    client: Wire, provider: Provider, method: str, status: int, length: str | None
) -> None:
    lines = [("X-A", "1")] if length is None else [("X-A", "1"), ("Content-Length", length)]
    provider.reply(reply(status, lines, framing="none"))
    await client.write(request(method, "/v1/files"))
    got = await client.answer(method)
    assert (got.status, got.body, got.complete) == (status, b"", True)
    assert got.header("content-length") == length
    assert got.header("transfer-encoding") is None
    await still_in_step(client, provider, method)
    assert provider.connections == (
        1 if length or status in (204, 304) else 2
    )  # without a length HEAD's reply has no certain end


async def test_head_of_a_chunked_reply(client: Wire, provider: Provider) -> None:
    provider.reply(reply(200, [], [b"a"], framing="chunked"))
    await client.write(request("HEAD", "/v1/files"))
    assert (await client.answer("HEAD")).status == 200
    await still_in_step(client, provider)


@pytest.mark.parametrize(
    "trailer", ["Authorization: Bearer sk-of-a-trailer", "x-portkey-trace-id: of-a-trailer", "X-Any: of-a-trailer"]
)
@pytest.mark.parametrize("together", [True, False], ids=["in one write", "one by one"])
async def test_a_trailer_is_never_a_header_of_the_next_request(
    client: Wire, worker: Worker, provider: Provider, trailer: str, together: bool
) -> None:
    first = request(
        "POST", "/v1/files", [CHUNKED, "Trailer: X"], f"2\r\nhe\r\n0\r\nX: of-a-trailer\r\n{trailer}\r\n\r\n".encode()
    )
    second = request("GET", "/v1/models", ["X-A: b"])
    await client.write(first + second if together else first)
    got = await client.answer()
    assert b"of-a-trailer" not in str(got.lines).encode()
    if not got.closes:
        if not together:
            await client.write(second)
        got = await client.answer()
        found = await worker.recorded(got.call_id)
        assert "of-a-trailer" not in str((got.lines, found))
    assert "of-a-trailer" not in str([(one.headers, one.trailers) for one in provider.requests])


async def test_a_trailer_is_never_a_header_of_the_next_reply(client: Wire, provider: Provider) -> None:
    trailers = [("X-First", "1"), ("X-Last", "2"), ("Content-Length", "3")]
    provider.reply(reply(200, [], [b"abc"], framing="chunked", trailers=trailers[:2]))
    await client.write(request(headers=["TE: trailers"]))
    got = await client.answer()
    assert (got.body, got.trailers, got.header("x-last")) == (b"abc", (), None)
    for _ in range(2):
        provider.reply(reply(200, [("X-A", "b")], b"next"))
        await client.write(request())
        got = await client.answer()
        assert (got.body, got.header("x-a"), got.header("x-last"), got.header("x-first")) == (b"next", "b", None, None)


# Sizes of heads


@pytest.mark.parametrize("size", [8_190, 30_000, 64_000])
async def test_headers_up_to_the_limit_pass(client: Wire, provider: Provider, size: int) -> None:
    provider.reply(reply(200, [("X-Long", "y" * size)], b"ok"))
    await client.write(request(target="/v1/files?q=" + "q" * (size - 100), headers=["X-Long: " + "x" * size]))
    got = await client.answer()
    assert (got.status, got.header("x-long")) == (200, "y" * size)
    assert provider.requests[0].header("x-long") == "x" * size
    assert provider.requests[0].target == "/v1/files?q=" + "q" * (size - 100)
    await still_in_step(client, provider)


@pytest.mark.parametrize("data", [["X: " + "x" * 66_000], [f"X-{n}: y" for n in range(200)], ["x" * 66_000 + ": x"]])
async def test_larger_heads_are_refused(client: Wire, provider: Provider, data: list[str]) -> None:
    await client.write(request(headers=data))
    got = await client.answer()
    assert got.status in (400, 431)
    assert got.closes
    assert await client.end() == b""
    assert not provider.requests


async def test_many_headers_pass_both_ways(client: Wire, provider: Provider) -> None:
    several = [(f"X-{number}", "v" * 300) for number in range(120)]
    provider.reply(reply(200, several * 3, b"ok"))
    await client.write(request(headers=[f"{name}: {value}" for name, value in several]))
    got = await client.answer()
    assert len([line for line in got.lines if line[0].startswith(b"X-")]) == 360
    assert provider.requests[0].headers[1:] == several


@pytest.mark.parametrize(
    "lines", [[("X", "y" * 70_000)], [(f"X-{number}", "y") for number in range(600)], [("y" * 70_000, "x")]]
)
async def test_a_reply_with_a_larger_head_is_an_error(client: Wire, provider: Provider, lines: list[tuple[str, str]]) -> None:
    provider.reply(reply(200, lines, b"ok"))
    await client.write(request())
    assert (await client.answer()).status == 502
    await still_in_step(client, provider)


async def test_interim_replies_without_end(client: Wire, provider: Provider) -> None:
    """Heads that are never the reply's are bounded by the time limit, not by memory."""
    provider.reply(raw(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 20_000, 5.0))
    await client.write(request(headers=["x-portkey-request-timeout: 100"]))
    assert (await client.answer()).status == 408
    await still_in_step(client, provider)
