"""Requests that two parsers may cut differently: refused with the connection closed, or seen by the provider in one way only.

Each is followed on the wire by a request that a parser sees too early if it ends the body too early, and never if it ends
it too late. Which ones are taken, and as what, is the table TAKEN; everything else is refused and nothing of it goes up
but, where a body passes piece by piece, a request that is cut off. Each goes whole, and in pieces.
"""

import contextlib
import random
from collections.abc import Sequence

import h11
import pytest

from tests.provider import Provider, Reply, reply
from tests.provider.request import Request
from tests.proxy.http.conftest import Worker
from tests.proxy.http.framings import CHUNKED, CHUNKS, CL5, CODINGS, LENGTHS, NAMES, TE
from tests.proxy.http.wire import Answer, Closed, wire

POST = b"POST /v1/files HTTP/1.1\r\nHost: h\r\n"
FOLLOWER = b"GET /v1/follower HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"


def _post(*lines: bytes, body: bytes = CHUNKED) -> bytes:
    return POST + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body


REQUESTS: dict[str, bytes] = {
    "cl-te": _post(CL5, TE),
    "te-cl": _post(TE, CL5),
    "cl-te-body-of-cl": _post(CL5, TE, body=b"0\r\n\r\n"),
    "te-te": _post(TE, TE),
    "te-identity-te": _post(b"Transfer-Encoding: identity", TE),
    "te-te-identity": _post(TE, b"Transfer-Encoding: identity"),
    "te-cow-cl": _post(TE, b"Transfer-Encoding: cow", CL5),
    "cl-cl-same": _post(CL5, CL5, body=b"hello"),
    "cl-cl-other": _post(CL5, b"Content-Length: 6", body=b"hello!"),
    "cl-cl-0": _post(b"Content-Length: 0", CL5, body=b"hello"),
    "cl-and-connection-names-it": _post(CL5, b"Connection: content-length", body=b"hello"),
    "te-and-connection-names-it": _post(TE, b"Connection: transfer-encoding"),
    "host-twice": POST + b"Host: other\r\nContent-Length: 5\r\n\r\nhello",
    "no-host": b"POST /v1/files HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello",
    "http-1.0-length": b"POST /v1/files HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello",
    "http-1.0-chunked": b"POST /v1/files HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n" + TE + b"\r\n\r\n" + CHUNKED,
    "http-1.0-no-length": b"POST /v1/files HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n\r\nhello",
    "no-length": _post(body=b"hello"),
    "get-with-length": b"GET /v1/files HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello",
    "get-chunked": b"GET /v1/files HTTP/1.1\r\nHost: h\r\n" + TE + b"\r\n\r\n" + CHUNKED,
    "head-with-length": b"HEAD /v1/files HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello",
    "delete-chunked": b"DELETE /v1/files HTTP/1.1\r\nHost: h\r\n" + TE + b"\r\n\r\n" + CHUNKED,
    "connect": b"CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n",
    "connect-with-length": b"CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\nContent-Length: 5\r\n\r\nhello",
    "upgrade-chunked": _post(b"Connection: Upgrade", b"Upgrade: websocket", TE),
    "lf-lines": b"POST /v1/files HTTP/1.1\nHost: h\nContent-Length: 5\n\nhello",
    "lf-before-body": POST + b"Content-Length: 5\r\n\nhello",
    "cr-lines": b"POST /v1/files HTTP/1.1\rHost: h\rContent-Length: 5\r\rhello",
    "nul-in-value": _post(b"X: a\x00b", CL5, body=b"hello"),
    "nul-in-target": b"GET /v1/fi\x00les HTTP/1.1\r\nHost: h\r\n\r\n",
    "fold": _post(b"X: a\r\n b", CL5, body=b"hello"),
    "fold-first": b"POST /v1/files HTTP/1.1\r\n X: y\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello",
    "blank-lines-first": b"\r\n\r\n" + _post(CL5, body=b"hello"),
    "lf-first": b"\n" + _post(CL5, body=b"hello"),
    "spaces-in-the-line": b"POST  /v1/files  HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello",
    "tabs-in-the-line": b"POST\t/v1/files\tHTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello",
    "space-in-the-target": b"GET /v1/files /v1/smuggled HTTP/1.1\r\nHost: h\r\n\r\n",
    "space-after-the-version": b"GET /v1/files HTTP/1.1 \r\nHost: h\r\n\r\n",
    "cr-in-the-target": b"GET /v1/fi\rles HTTP/1.1\r\nHost: h\r\n\r\n",
    "lf-in-the-target": b"GET /v1/fi\nles HTTP/1.1\r\nHost: h\r\n\r\n",
    "version-9": b"GET /v1/files HTTP/1.9\r\nHost: h\r\n\r\n",
    "version-2": b"GET /v1/files HTTP/2.0\r\nHost: h\r\n\r\n",
    "version-3-digits": b"GET /v1/files HTTP/1.10\r\nHost: h\r\n\r\n",
    "version-unicode": "GET /v1/files HTTP/1.\uff11\r\nHost: h\r\n\r\n".encode(),
    "version-lower": b"GET /v1/files http/1.1\r\nHost: h\r\n\r\n",
    "version-missing": b"GET /v1/files\r\nHost: h\r\n\r\n",
    "http-2-preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "method-lower": b"get /v1/files HTTP/1.1\r\nHost: h\r\n\r\n",
    "method-odd": b"G=T /v1/files HTTP/1.1\r\nHost: h\r\n\r\n",
    "method-nul": b"GE\x00T /v1/files HTTP/1.1\r\nHost: h\r\n\r\n",
    "method-unknown": b"SMUGGLE /v1/files HTTP/1.1\r\nHost: h\r\n\r\n",
    "absolute": b"GET http://evil.example/v1/files HTTP/1.1\r\nHost: h\r\n\r\n",
    "absolute-no-path": b"GET http://evil.example HTTP/1.1\r\nHost: h\r\n\r\n",
    "absolute-userinfo": b"GET http://127.0.0.1:1@evil.example/v1/files HTTP/1.1\r\nHost: h\r\n\r\n",
    "absolute-query-only": b"GET http://evil.example?/v1/files HTTP/1.1\r\nHost: h\r\n\r\n",
    "absolute-other-scheme": b"GET ftp://evil.example/v1/files HTTP/1.1\r\nHost: h\r\n\r\n",
    "double-slash": b"GET //evil.example/v1/files HTTP/1.1\r\nHost: h\r\n\r\n",
    "at-sign": b"GET @evil.example/v1/files HTTP/1.1\r\nHost: h\r\n\r\n",
    "asterisk": b"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n",
    "asterisk-get": b"GET * HTTP/1.1\r\nHost: h\r\n\r\n",
    "backslash": b"GET \\v1\\files HTTP/1.1\r\nHost: h\r\n\r\n",
    "fragment": b"GET /v1/files#x HTTP/1.1\r\nHost: h\r\n\r\n",
    "high-bytes-in-the-target": b"GET /v1/\xff\xfe HTTP/1.1\r\nHost: h\r\n\r\n",
    "tls": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 40 + b"\r\n\r\n",
    **{f"length-{name}": _post(b"Content-Length: " + value, body=b"hello") for name, value in LENGTHS.items()},
    **{f"length-{name}-and-5": _post(b"Content-Length: " + value, CL5, body=b"hello") for name, value in LENGTHS.items()},
    **{f"coding-{name}": _post(b"Transfer-Encoding: " + value) for name, value in CODINGS.items()},
    **{f"coding-{name}-and-length": _post(b"Transfer-Encoding: " + value, CL5) for name, value in CODINGS.items()},
    **{f"name-{name}": _post(line) for name, line in NAMES.items()},
    **{f"name-{name}-and-length": _post(line, b"Content-Length: 15") for name, line in NAMES.items()},
    **{f"chunk-{name}": _post(TE, body=body) for name, body in CHUNKS.items()},
}


# What is taken, and the body that it has. A number that only looks odd, what a follower may be for certain, coded as asked.
TAKEN: dict[str, bytes] = {
    **dict.fromkeys(["te-and-connection-names-it", "cl-and-connection-names-it"], b"hello"),
    **dict.fromkeys(
        ["upgrade-chunked", "http-1.0-length", "get-with-length", "get-chunked", "head-with-length", "delete-chunked"], b"hello"
    ),
    **dict.fromkeys(["blank-lines-first", "lf-first", "spaces-in-the-line"], b"hello"),
    **dict.fromkeys(["length-octal-like", "length-long", "length-space-after"], b"hello"),
    **dict.fromkeys(["coding-capitals", "coding-mixed", "coding-tab-before", "http-1.0-chunked"], b"hello"),
    "name-underscore-and-length": CHUNKED,  # a header of another name
    **dict.fromkeys(["chunk-zeros", "chunk-zeros-in-the-end"], b"hello"),
    **dict.fromkeys(["chunk-extension", "chunk-extension-quoted", "chunk-extension-long", "chunk-trailer"], b"hello"),
    **dict.fromkeys(["absolute", "absolute-userinfo", "absolute-other-scheme", "fragment"], b""),
}
# Answered by Tracer itself as requests to no endpoint of its own; what follows is a request.
NO_SUCH_PATH = {"absolute-no-path", "absolute-query-only", "double-slash", "asterisk"}
# Another coding beside chunks: its end is certain, so that what follows is a request; what it says is not (RFC 9112, 6.1).
UNKNOWN_CODING = {"coding-gzip-chunked", "coding-comma-before", "coding-identity-chunked"}
# Their size says that what follows belongs to them, which is one way to take them; the client leaves before their end.
UNENDING = {"chunk-ffff", "chunk-past-63-bits"}


def echoed(request: Request) -> Reply:
    return reply(200, [("X-Target", request.target)], bytes(request.body))


async def conversation(worker: Worker, *pieces: bytes, method: str) -> Sequence[Answer]:
    """All replies until one says that it is the last, which must be true."""
    answers = []
    async with wire(worker.port) as client:
        await client.write(*pieces)
        # What still comes in while a connection is closed resets it, and may take the last reply along.
        with contextlib.suppress(Closed):
            while not answers or not answers[-1].closes:
                answers.append(await client.answer(method if not answers else "GET"))
        if answers and answers[-1].status in (200, 400, 431):
            assert await client.end() == b""
    return answers


def pieces_of(data: bytes, name: str) -> list[bytes]:
    """Three cuts, the same every time, near the end where bodies are."""
    places = range(max(0, len(data) - 200), len(data))
    at = sorted(random.Random(name).sample(places, 3))
    return [data[: at[0]], data[at[0] : at[1]], data[at[1] : at[2]], data[at[2] :]]


@pytest.mark.parametrize("cut", [False, True], ids=["whole", "cut"])
@pytest.mark.parametrize("name", sorted(REQUESTS.keys() - UNENDING))
async def test_a_request_is_refused_or_means_one_thing(worker: Worker, provider: Provider, name: str, cut: bool) -> None:
    provider.always(echoed)
    data = REQUESTS[name] + FOLLOWER
    method = data.split(b" ")[0].decode("latin-1") if name.startswith("head") else "GET"
    answers = await conversation(worker, *(pieces_of(data, name) if cut else [data]), method=method)
    if cut and not answers:
        assert all((one.target, bytes(one.body)) == ("/v1/files", TAKEN.get(name)) for one in provider.requests if one.complete)
    elif name in TAKEN:
        first, *more = answers
        assert (first.status, first.body) == (200, b"" if method == "HEAD" else TAKEN[name])
        taken, *followed = await provider.received(1 + len(more))
        assert bytes(taken.body) == TAKEN[name]
        assert first.header("x-target") == taken.target
        assert taken.header("host") == f"127.0.0.1:{worker.provider_port}"
        assert [(one.method, one.target, bytes(one.body)) for one in followed] == [("GET", "/v1/follower", b"")] * len(more)
        assert [one.header("x-target") for one in more] == ["/v1/follower"] * (not first.closes)
    elif name in NO_SUCH_PATH | UNKNOWN_CODING:
        first, *more = answers
        assert first.status == (404 if name in NO_SUCH_PATH else 501)
        assert [answer.status for answer in more] == [200] * (not first.closes)
        assert [request.target for request in provider.requests] == ["/v1/follower"] * len(more)
    else:
        assert len(answers) == 1
        assert all(400 <= only.status < 500 and only.header("x-target") is None for only in answers)
        assert not [request for request in provider.requests if request.complete]


@pytest.mark.parametrize("name", sorted(UNENDING))
async def test_a_chunk_without_end(worker: Worker, provider: Provider, name: str) -> None:
    provider.always(echoed)
    async with wire(worker.port) as client:
        await client.write(REQUESTS[name] + FOLLOWER)
        await provider.until(lambda: any(FOLLOWER in r.body for r in provider.requests))
        client.reset()
    await provider.until(lambda: all(r.client_gone for r in provider.requests))
    assert [(request.target, request.complete) for request in provider.requests] == [("/v1/files", False)]


async def test_the_tables_name_cases_that_exist() -> None:
    assert TAKEN.keys() | NO_SUCH_PATH | UNKNOWN_CODING | UNENDING <= REQUESTS.keys()


async def test_a_lone_carriage_return_is_no_request(worker: Worker, provider: Provider) -> None:
    """What h11 calls a stray byte before a request line."""
    async with wire(worker.port) as client:
        await client.write(b"\r", b"GET /v1/models HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        try:
            assert (await client.answer()).status in (200, 400)
        except (Closed, h11.RemoteProtocolError) as error:
            pytest.fail(str(error))
