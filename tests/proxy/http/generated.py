"""Requests and replies made by chance from a seed: methods, targets, headers, bodies and every framing, none of them malformed.

What Tracer changes on purpose (docs/architecture.md) is known to `expected_up` and `expected_down`; everything else must
arrive as it was sent, byte for byte.
"""

import gzip
import json
import random
from dataclasses import dataclass

from tests.provider import Reply, chunk, raw
from tests.proxy.http.wire import OURS, Lines

TOKEN = "X-Token"
# What belongs to one connection, or is Tracer's (tracer/proxy/headers.py has the reasons).
_STAY = {
    b"connection",
    b"keep-alive",
    b"proxy-connection",
    b"te",
    b"trailer",
    b"transfer-encoding",
    b"upgrade",
    b"host",
    b"expect",
}
_STAY |= {b"proxy-authenticate", b"proxy-authorization"}
_VALUE = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~\t"
_NAMES = [
    "Accept",
    "accept-ENCODING",
    "X-A",
    "x-a",
    "X_Under",
    "Cookie",
    "Cache-Control",
    "If-None-Match",
    "Date",
    "X-!#$%&'*+.^`|~",
]
_REPLY_NAMES = [
    "Server",
    "Date",
    "Set-Cookie",
    "set-cookie",
    "X-Request-Id",
    "ETag",
    "Vary",
    "Location",
    "Retry-After",
    "X-A",
    "WWW-Authenticate",
]
_HOP = [
    "Connection: x-hop",
    "Connection: keep-alive, X-Hop",
    "Keep-Alive: timeout=5",
    "TE: trailers",
    "Proxy-Connection: keep-alive",
    "Upgrade: h2c",
]
_PATH = "abcXYZ012-._~!$&'()*+,;=:@%/"
_SEGMENTS = [
    "a",
    "B%20c",
    "%2F",
    "%41",
    "m:verb",
    "x;y=z",
    "~u",
    "é".encode().hex(),
    "a.b",
    "...",
    "=&",
    "%e2%82%ac",
    "'",
    "(x)",
    "*",
]


@dataclass(frozen=True)
class Generated:
    """One request, and the reply that it gets. `data` has a place for the authority of the server that it is sent to."""

    token: str
    method: str
    target: str
    lines: Lines
    body: bytes
    framed: bytes
    reply: Reply
    status: int
    reply_lines: Lines
    reply_body: bytes
    ends: bool

    def data(self, authority: str) -> bytes:
        head = b"".join(b"%b: %b\r\n" % line for line in self.lines)
        return f"{self.method} {self.target} HTTP/1.1\r\nHost: {authority}\r\n".encode("latin-1") + head + b"\r\n" + self.framed


def generate(seed: int) -> Generated:
    """The request of this seed; the same every time."""
    dice = random.Random(seed)
    token = f"t{seed:09d}"
    method = dice.choice(["GET", "GET", "POST", "POST", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"])
    json_body = method in ("POST", "PUT") and dice.random() < 0.4
    body = _json(dice) if json_body else _binary(dice) if method not in ("GET", "HEAD") or dice.random() < 0.1 else b""
    chunked = bool(body) and dice.random() < 0.4
    lines = _headers(dice, _NAMES)
    if json_body:
        lines.append((b"Content-Type", dice.choice([b"application/json", b"Application/JSON; charset=utf-8"])))
    if chunked:
        lines.append((b"Transfer-Encoding", dice.choice([b"chunked", b"Chunked"])))
    elif body or dice.random() < 0.2:
        lines.append((dice.choice([b"Content-Length", b"content-length"]), b"%d" % len(body)))
    if dice.random() < 0.5:
        lines.append((b"Authorization", b"Bearer sk-of-the-caller-%d" % seed))
    dice.shuffle(lines)
    lines.insert(0, (TOKEN.encode(), token.encode()))
    status, reply_lines, reply_body, made, ends = _reply(dice, token, method)
    framed = _chunks(dice, body) if chunked else body
    return Generated(token, method, _target(dice), tuple(lines), body, framed, made, status, reply_lines, reply_body, ends)


def expected_up(sent: Lines) -> Lines:
    """The headers that must reach the provider, in order, without framing."""
    return tuple(line for line in _passing(sent) if not line[0].lower().startswith(b"x-portkey-"))


def expected_down(sent: Lines) -> Lines:
    """The headers that must reach the client, in order, without framing and Tracer's own."""
    return tuple(line for line in _passing(sent) if line[0].lower() not in OURS)


def _passing(sent: Lines) -> Lines:
    said = [value.lower() for name, value in sent if name.lower() == b"connection"]
    stay = _STAY | {name.strip() for value in said for name in value.split(b",")}
    return tuple((name, value.strip(b" \t")) for name, value in sent if name.lower() not in stay | {b"content-length"})


def _headers(dice: random.Random, names: list[str]) -> list[tuple[bytes, bytes]]:
    lines = [(dice.choice(names).encode(), _value(dice)) for _ in range(dice.randrange(6))]
    if dice.random() < 0.15:
        name, _, value = dice.choice(_HOP).partition(": ")
        lines += [(name.encode(), value.encode()), (b"X-Hop", b"of this connection")]
    if dice.random() < 0.1:
        lines.append((b"X-Long", dice.choice("ab").encode() * dice.choice([1_000, 8_200, 30_000])))
    if dice.random() < 0.1:
        lines.append((b"x-portkey-metadata", b'{"a":"b"}'))
    return lines


def _value(dice: random.Random) -> bytes:
    text = "".join(dice.choices(_VALUE, k=dice.randrange(30))).encode()
    if dice.random() < 0.2:
        text += bytes(dice.choices(range(0x80, 0x100), k=3))
    return text.strip(b" \t")


def _target(dice: random.Random) -> str:
    door = dice.choice(["/v1/files", "/v1/embeddings", "/v1/chat/completions", "/v1/responses", "/v1/x", "/proxy/openai/v1"])
    path = "".join("/" + dice.choice(_SEGMENTS) for _ in range(dice.randrange(3)))
    if dice.random() < 0.1:
        path += "/" * dice.randrange(1, 3)
    if dice.random() < 0.1:
        path += "/" + "".join(dice.choices(_PATH.replace(".", "").replace("%", ""), k=dice.choice([20, 3_000])))
    query = "?" + "".join(dice.choices(_PATH.replace("%", "") + "?&=", k=dice.randrange(30))) if dice.random() < 0.4 else ""
    return door + path + query


def _json(dice: random.Random) -> bytes:
    body = {
        "model": dice.choice(["m", "gpt-4o-mini", "é"]),
        "messages": [{"role": "user", "content": "x" * dice.randrange(2_000)}],
    }
    return json.dumps(body, ensure_ascii=dice.random() < 0.5, indent=dice.choice([None, 1])).encode()


def _binary(dice: random.Random) -> bytes:
    return dice.randbytes(dice.choice([0, 1, 10, 500, 5_000, 70_000])) if dice.random() < 0.98 else dice.randbytes(300_000)


def _chunks(dice: random.Random, body: bytes) -> bytes:
    made, at = [], 0
    while at < len(body):
        size = dice.choice([1, 7, 1_000, 50_000])
        extension = dice.choice([b"", b"", b";a", b';a="b c"'])
        piece = chunk(body[at : at + size])
        made.append(piece.replace(b"\r\n", extension + b"\r\n", 1) if extension else piece)
        at += size
        if len(made) > 50:
            made.append(chunk(body[at:]) if at < len(body) else b"")
            break
    return b"".join(made) + dice.choice([b"0\r\n\r\n", b"0\r\n\r\n", b"000\r\nX-Trailer: 1\r\n\r\n"])


def _reply(dice: random.Random, token: str, method: str) -> tuple[int, Lines, bytes, Reply, bool]:
    status = dice.choice([200, 200, 200, 201, 202, 204, 206, 301, 304, 400, 404, 422, 429, 500, 503, 299, 599])
    body = _json(dice) if dice.random() < 0.5 else _binary(dice)
    lines = [(TOKEN.encode(), token.encode()), *_headers(dice, _REPLY_NAMES)]
    if dice.random() < 0.2:
        body = gzip.compress(body, mtime=0)
        lines.append((b"Content-Encoding", b"gzip"))
    elif dice.random() < 0.2:
        body = b"".join(b"data: %d\n\n" % number for number in range(dice.randrange(30)))
        lines.append((b"Content-Type", b"text/event-stream"))
    bodiless = status in (204, 304) or method == "HEAD"
    framing = dice.choice(["length", "length", "chunked", "end"])
    framed, ends = body, False
    if status == 204:
        framing = "none"
    if framing == "length":
        lines.append((dice.choice([b"Content-Length", b"content-length"]), b"%d" % len(body)))
    elif framing == "chunked":
        lines.append((b"Transfer-Encoding", b"chunked"))
        framed = _chunks(dice, body)
    elif framing == "end" and not bodiless:
        ends = True
    dice.shuffle(lines)
    interim = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * dice.choice([0, 0, 0, 1, 2])
    reason = dice.choice(["", "OK", "Odd Reason", "Sch\xf6n"])
    head = f"HTTP/1.1 {status} {reason}\r\n".encode("latin-1") + b"".join(b"%b: %b\r\n" % line for line in lines) + b"\r\n"
    made = raw(interim + head + (b"" if bodiless else framed), close=ends)
    return status, tuple(lines), b"" if bodiless else body, made, ends
