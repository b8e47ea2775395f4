"""Replies that two parsers may cut differently: the client gets 502, a reply that is cut, or a well-formed one; never two.

After each the same client asks twice more: what it gets are the answers to these. The provider leaves its connection open
after what it sent, so a proxy that would use it again does so here.
"""

import pytest

from tests.provider import FIN, Provider, Reply, raw, reply
from tests.provider.request import Request
from tests.proxy.http.conftest import Worker
from tests.proxy.http.framings import CHUNKED, CHUNKS, CL5, CODINGS, LENGTHS, NAMES, TE
from tests.proxy.http.wire import Answer, Closed, Wire, ask, request, wire

OK = b"HTTP/1.1 200 OK\r\n"
# A second reply that a client would take for the answer to its next request, were it ever passed on.
STRAY = b"HTTP/1.1 200 OK\r\nX-Token: stray\r\nContent-Length: 5\r\n\r\nstray"


def _reply(*lines: bytes, body: bytes = CHUNKED) -> bytes:
    return OK + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body


REPLIES: dict[str, bytes] = {
    "cl-te": _reply(CL5, TE),
    "te-cl": _reply(TE, CL5),
    "te-te": _reply(TE, TE),
    "te-identity-te": _reply(b"Transfer-Encoding: identity", TE),
    "cl-cl-same": _reply(CL5, CL5, body=b"hello"),
    "cl-cl-other": _reply(CL5, b"Content-Length: 6", body=b"hello!"),
    "cl-and-connection-names-it": _reply(CL5, b"Connection: content-length", body=b"hello"),
    "te-and-connection-names-it": _reply(TE, b"Connection: transfer-encoding"),
    "longer-than-its-length": _reply(CL5, body=b"hello world"),
    "longer-than-its-length-by-a-reply": _reply(CL5, body=b"hello" + STRAY),
    "chunked-and-a-reply": _reply(TE, body=CHUNKED + STRAY),
    "chunked-and-half-a-reply": _reply(TE, body=CHUNKED + STRAY[:20]),
    "two-replies-no-body": _reply(b"Content-Length: 0", body=STRAY),
    "204-with-a-body": b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello",
    "204-chunked": b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKED,
    "304-with-a-body": b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nhello",
    "204-and-a-reply": b"HTTP/1.1 204 No Content\r\nContent-Length: %d\r\n\r\n" % len(STRAY) + STRAY,
    "304-and-a-reply": b"HTTP/1.1 304 Not Modified\r\nContent-Length: %d\r\n\r\n" % len(STRAY) + STRAY,
    "100-then-a-reply": b"HTTP/1.1 100 Continue\r\n\r\n" + _reply(CL5, body=b"hello"),
    "100-with-a-length": b"HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\n" + _reply(CL5, body=b"hello"),
    "103-chunked": b"HTTP/1.1 103 Early Hints\r\nTransfer-Encoding: chunked\r\n\r\n" + _reply(CL5, body=b"hello"),
    "101-unasked": b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n" + STRAY,
    "101-bare": b"HTTP/1.1 101 Switching Protocols\r\n\r\n" + STRAY,
    "many-1xx": b"HTTP/1.1 102 Processing\r\n\r\n" * 500 + _reply(CL5, body=b"hello"),
    "http-1.0-length": b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    "http-1.0-chunked": b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKED,
    "http-0.9": b"hello\r\n",
    "version-2": b"HTTP/2.0 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    "version-9": b"HTTP/9.9 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    "status-99": b"HTTP/1.1 99 Odd\r\nContent-Length: 5\r\n\r\nhello",
    "status-000": b"HTTP/1.1 000 Odd\r\nContent-Length: 5\r\n\r\nhello",
    "status-1000": b"HTTP/1.1 1000 Odd\r\nContent-Length: 5\r\n\r\nhello",
    "status-999": b"HTTP/1.1 999 Odd\r\nContent-Length: 5\r\n\r\nhello",
    "status-sign": b"HTTP/1.1 +200 OK\r\nContent-Length: 5\r\n\r\nhello",
    "status-letters": b"HTTP/1.1 2OO OK\r\nContent-Length: 5\r\n\r\nhello",
    "status-only": b"HTTP/1.1 200\r\nContent-Length: 5\r\n\r\nhello",
    "reason-cr": b"HTTP/1.1 200 O\rK\r\nContent-Length: 5\r\n\r\nhello",
    "reason-nul": b"HTTP/1.1 200 O\x00K\r\nContent-Length: 5\r\n\r\nhello",
    "reason-lf": b"HTTP/1.1 200 O\nX-Injected: 1\r\nContent-Length: 5\r\n\r\nhello",
    "lf-lines": b"HTTP/1.1 200 OK\nContent-Length: 5\n\nhello",
    "cr-lines": b"HTTP/1.1 200 OK\rContent-Length: 5\r\rhello",
    "nul-in-value": _reply(b"X: a\x00b", CL5, body=b"hello"),
    "fold": _reply(b"X: a\r\n b", CL5, body=b"hello"),
    "fold-of-the-length": _reply(b"Content-Length:\r\n 5", body=b"hello"),
    "space-before-colon": _reply(b"Content-Length : 5", body=b"hello"),
    "no-colon": _reply(b"nonsense", CL5, body=b"hello"),
    "no-name": _reply(b": nonsense", CL5, body=b"hello"),
    "garbage-first": b"garbage\r\n" + _reply(CL5, body=b"hello"),
    "blank-first": b"\r\n\r\n" + _reply(CL5, body=b"hello"),
    **{f"length-{name}": _reply(b"Content-Length: " + value, body=b"hello") for name, value in LENGTHS.items()},
    **{f"coding-{name}": _reply(b"Transfer-Encoding: " + value) for name, value in CODINGS.items()},
    **{f"coding-{name}-and-length": _reply(b"Transfer-Encoding: " + value, CL5) for name, value in CODINGS.items()},
    **{f"name-{name}": _reply(line) for name, line in NAMES.items()},
    **{f"name-{name}-and-length": _reply(line, b"Content-Length: 15") for name, line in NAMES.items()},
    **{f"chunk-{name}": _reply(TE, body=body) for name, body in CHUNKS.items()},
}

# llhttp reads replies leniently, as providers are what they are. These bodies are taken; of everything else the client sees
# no reply of the provider's, or one that is cut.
TAKEN: dict[str, tuple[int, bytes]] = {
    **dict.fromkeys(
        [
            *("te-te", "te-and-connection-names-it", "cl-and-connection-names-it"),
            *("longer-than-its-length-by-a-reply", "chunked-and-a-reply", "chunked-and-half-a-reply"),
            *("100-then-a-reply", "100-with-a-length", "103-chunked", "many-1xx", "http-1.0-length", "http-1.0-chunked"),
            *("version-2", "status-only", "reason-lf", "lf-lines", "fold", "fold-of-the-length", "blank-first"),
            *("length-octal-like", "length-space-after", "length-long", "space-before-colon", "reason-nul"),
            *("coding-capitals", "coding-mixed"),
            *("coding-tab-before", "coding-folded", "coding-folded-tab"),
            *("name-space-before-colon", "name-space-first", "name-behind-an-lf"),
            *("chunk-space-after", "chunk-tab-after", "chunk-zeros", "chunk-zeros-in-the-end", "chunk-extension"),
            *("chunk-extension-quoted", "chunk-extension-long", "chunk-space-before-extension", "chunk-data-ends-in-lf"),
            *("chunk-end-in-lf", "chunk-trailer", "chunk-trailer-coding", "chunk-trailer-lf"),
        ],
        (200, b"hello"),
    ),
    "status-999": (999, b"hello"),
    "two-replies-no-body": (200, b""),
    "204-and-a-reply": (204, b""),
    "304-and-a-reply": (304, b""),
    "name-underscore-and-length": (200, CHUNKED),
    "name-behind-a-cr-x-and-length": (200, CHUNKED),
    "name-as-a-fold-of-another-and-length": (200, CHUNKED),
}
# Taken or refused, by whether the excess is there when the reply is passed on.
EITHER = {"longer-than-its-length", "204-with-a-body", "304-with-a-body", "204-chunked", "204-and-a-reply", "304-and-a-reply"}
EITHER |= {"longer-than-its-length-by-a-reply", "chunked-and-a-reply", "two-replies-no-body"}
# A client must not see these as they came; to mend them and to refuse them are both right.
EITHER |= {"space-before-colon", "name-space-before-colon", "reason-nul", "length-long"}
# Without a framing that is known, a reply goes on until its connection ends (RFC 9112 6.3): what follows the head is the body.
UNTIL_THE_END = {
    *(f"coding-{name}" for name in ("xchunked", "chunkedx", "chunked-identity", "identity", "chunked-gzip", "cow", "empty")),
    *(f"coding-{name}" for name in ("quoted", "parameter", "comma-after", "space-inside", "vertical-tab", "form-feed")),
    *("coding-nbsp", "coding-kelvin"),
    *(f"name-{name}" for name in ("underscore", "behind-a-cr-x", "as-a-fold-of-another")),
}
# Something is missing until the connection ends, and then for good.
UNFINISHED = {"length-past-63-bits", "chunk-ffff", "chunk-past-63-bits", "chunk-data-too-short", "chunk-end-without-blank"}
UNFINISHED |= {"status-000"}


def echoed(asked: Request) -> Reply:
    return reply(200, [("X-Target", asked.target)], asked.target.encode())


async def next_ones(client: Wire, worker: Worker) -> None:
    """Two more requests get the answers to themselves, on this connection or, if it was closed, on another."""
    for target in ("/v1/next/1", "/v1/next/2"):
        await client.write(request(target=target))
        try:
            got = await client.answer()
        except Closed:
            got = await ask(worker.port, request(target=target))
        assert (got.status, got.header("x-target"), got.body) == (200, target, target.encode())


def refused(got: Answer) -> bool:
    """Whether the client got no reply of the provider's, or one that it can tell is not whole."""
    return not got.complete or (got.status == 502 and got.body.startswith(b'{"status":"failure"'))


@pytest.mark.parametrize("name", sorted(REPLIES))
async def test_a_reply_is_one_reply(worker: Worker, provider: Provider, name: str) -> None:
    ends = name in UNTIL_THE_END | UNFINISHED
    provider.reply(raw(REPLIES[name], *([FIN] if ends else []), close=ends))
    provider.always(echoed)
    async with wire(worker.port) as client:
        await client.write(request(target="/v1/first"))
        got = await client.answer()
        if name in TAKEN and not (name in EITHER and refused(got)):
            assert (got.status, got.body, got.complete) == (*TAKEN[name], True)
        elif name in UNTIL_THE_END:
            assert (got.status, got.body, got.complete) == (200, REPLIES[name].partition(b"\r\n\r\n")[2], True)
        elif name not in EITHER or got.complete:
            assert refused(got), got
        await next_ones(client, worker)


async def test_the_tables_name_cases_that_exist() -> None:
    assert TAKEN.keys() | EITHER | UNTIL_THE_END | UNFINISHED <= REPLIES.keys()
