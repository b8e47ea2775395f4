"""What the scripted provider sends: a reply is a head and a sequence of steps, all of them exact.

A step is one of
    bytes          one write, flushed before the next step
    float          seconds to wait
    asyncio.Event  wait until the test sets it
    FIN, RST       end the connection in order, or by reset
    STALL          send nothing more; wait until the client leaves

Nothing is added to what a test asks for: no Date, no Server, no Connection. Framing headers come from `framing`, and only
if the test has not given its own, so that wrong ones can be sent too.
"""

import asyncio
import gzip
import http
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Literal

import orjson


class Ending(Enum):
    FIN = "fin"
    RST = "rst"
    STALL = "stall"


FIN, RST, STALL = Ending.FIN, Ending.RST, Ending.STALL
Step = bytes | float | asyncio.Event | Ending
HeaderList = Sequence[tuple[str, str]]
Framing = Literal["length", "chunked", "close", "none"]


@dataclass(frozen=True)
class Reply:
    """One scripted answer. `body` is called for each use, so a Reply can be sent many times."""

    head: bytes
    body: Callable[[], Iterable[Step]] = tuple
    before: tuple[Step, ...] = ()  # sent or waited for ahead of the head: delays, 1xx
    close: bool = False  # end the connection after it
    early: bool = False  # do not read the request's body first
    always_body: bool = False  # send the body to HEAD too, as no server should

    def cut(self, after: int, ending: Ending = RST, of: Literal["head", "body"] = "body") -> "Reply":
        """The same reply, ended after so many bytes of its head, or of its body as on the wire (chunk framing counts)."""
        if of == "head":
            return replace(self, head=self.head[:after], body=lambda: (ending,), close=True, always_body=True)
        return replace(self, body=lambda: _first(self.body(), after, ending), close=True)

    def late(self, seconds: float) -> "Reply":
        """The same reply, with its first byte so much later."""
        return replace(self, before=(seconds, *self.before))

    def held(self, gate: asyncio.Event) -> "Reply":
        """The same reply, with its first byte not before the test sets `gate`."""
        return replace(self, before=(gate, *self.before))

    def unread(self) -> "Reply":
        """The same reply, sent as soon as the request's headers are in, and the connection closed."""
        return replace(self, early=True, close=True)


def reply(
    status: int = 200,
    headers: HeaderList = (),
    body: bytes | Sequence[bytes] | Callable[[], Iterable[bytes]] = b"",
    *,
    framing: Framing = "length",
    reason: str | None = None,
    every_s: float = 0,
    trailers: HeaderList = (),
    interim: Sequence[tuple[int, HeaderList]] = (),
    version: str = "1.1",
    close: bool = False,
) -> Reply:
    """A reply of any kind. A body in several pieces is written piece by piece, `every_s` apart, each one chunk if chunked."""
    if framing == "none" or status in (204, 304):
        framing = "none" if body == b"" else framing
    pieces = body if callable(body) else (lambda: [body] if isinstance(body, bytes) else body)
    own = {name.lower() for name, _ in headers}
    framed: list[tuple[str, str]] = list(headers)
    if framing == "length" and "content-length" not in own:
        framed.append(("Content-Length", str(sum(map(len, pieces())))))
    if framing == "chunked" and "transfer-encoding" not in own:
        framed.append(("Transfer-Encoding", "chunked"))
    return Reply(
        head=_head(status, framed, reason, version),
        body=lambda: _spaced(pieces(), every_s, framing == "chunked", trailers),
        before=tuple(_head(code, lines, None, version) for code, lines in interim),
        close=close or framing == "close",
    )


def raw(*steps: Step, close: bool = True) -> Reply:
    """Exactly these steps, head and all."""
    return Reply(head=b"", body=lambda: steps, close=close, always_body=True)


def hang_up(ending: Ending = RST) -> Reply:
    """No answer at all: the connection ends once the request is in."""
    return raw(ending)


def never() -> Reply:
    """No answer, and the connection stays open until the client leaves."""
    return raw(STALL)


def sse_event(data: object, name: str = "") -> bytes:
    """One server-sent event; `data` is sent as JSON unless it is text already."""
    text = data if isinstance(data, str) else orjson.dumps(data).decode()
    return (f"event: {name}\n" if name else "").encode() + f"data: {text}\n\n".encode()


def sse(
    pieces: Sequence[bytes], *, every_s: float = 0, headers: HeaderList = (), framing: Framing = "chunked", status: int = 200
) -> Reply:
    """An event stream cut into these pieces; each is one write (and one chunk)."""
    kind = ("Content-Type", "text/event-stream; charset=utf-8")
    return reply(status, [kind, *headers], pieces, framing=framing, every_s=every_s)


def gzipped(body: bytes, headers: HeaderList = (("Content-Type", "application/json"),), framing: Framing = "length") -> Reply:
    return reply(200, [*headers, ("Content-Encoding", "gzip")], gzip.compress(body, mtime=0), framing=framing)


def error(status: int, message: str, kind: str = "invalid_request_error", headers: HeaderList = ()) -> Reply:
    """An error as OpenAI sends it."""
    body = orjson.dumps({"error": {"message": message, "type": kind, "param": None, "code": None}})
    return reply(status, [("Content-Type", "application/json"), *headers], body)


def rate_limited(retry_after: str = "1") -> Reply:
    headers = [("retry-after", retry_after), ("x-ratelimit-remaining-requests", "0")]
    return error(429, "Rate limit reached", "rate_limit_error", headers)


def pattern(size: int, piece: int = 65536) -> Iterator[bytes]:
    """`size` bytes that are the same every time and differ from piece to piece."""
    for at in range(0, size, piece):
        length = min(piece, size - at)
        yield (at.to_bytes(8, "big") * (length // 8 + 1))[:length]


def huge(size: int = 64 << 20, framing: Framing = "length") -> Reply:
    """A large binary body, made while it is sent; compare with `pattern(size)`."""
    headers = [("Content-Type", "application/octet-stream")]
    if framing == "length":
        headers.append(("Content-Length", str(size)))
    return reply(200, headers, lambda: pattern(size), framing=framing)


def chunk(data: bytes) -> bytes:
    """One chunk of chunked transfer coding."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def _head(status: int, headers: HeaderList, reason: str | None, version: str) -> bytes:
    if reason is None:
        reason = http.HTTPStatus(status).phrase if status in http.HTTPStatus._value2member_map_ else "Unknown"
    lines = [f"HTTP/{version} {status} {reason}", *(f"{name}: {value}" for name, value in headers), "", ""]
    return "\r\n".join(lines).encode("latin-1")


def _spaced(pieces: Iterable[bytes], every_s: float, chunked: bool, trailers: HeaderList) -> Iterator[Step]:
    for number, piece in enumerate(pieces):
        if every_s and number:
            yield every_s
        if piece:  # an empty chunk would end the body
            yield chunk(piece) if chunked else piece
    if chunked:
        yield b"0\r\n" + b"".join(f"{name}: {value}\r\n".encode("latin-1") for name, value in trailers) + b"\r\n"


def _first(steps: Iterable[Step], size: int, ending: Ending) -> Iterator[Step]:
    left = size
    for step in steps:
        if left <= 0:
            break
        yield step[:left] if isinstance(step, bytes) else step
        left -= len(step) if isinstance(step, bytes) else 0
    yield ending
