"""Streams on the loop of caller and upstream: an upstream that writes the time into each chunk it sends, callers that note when
each chunk arrived, and whether it came as it was sent.

    Source   answers a request with a stream: one chunk at once, then one every `gap_ns`; the last ones close it as OpenAI does
    Reader   asks for a stream, reads it to its end and asks for the next on the same connection

A chunk is one event in one HTTP chunk in one send. Readers count the pieces in which more or less than one arrived.
"""

import heapq
import re
import socket
import time

from tests.bench.loop import Loop, received
from tests.bench.worker import MODEL_PATH

_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
_EVENT = (
    'data: {"id":"chatcmpl-CdxiIrlxetLzjuBRfsl3k1X7s1F9u","object":"chat.completion.chunk","created":1763640366,'
    '"model":"gpt-4o-mini-2024-07-18","service_tier":"default","system_fingerprint":"fp_560af6e559","choices":[{"index":0,'
    '"delta":{"content":" spring"},"logprobs":null,"finish_reason":null}],"obfuscation":"%s"}\n\n'
)
_STAMP_DIGITS = 20
_EVENT_HEAD, _, _EVENT_TAIL = _EVENT.partition("%s")
_CHUNK_HEAD = f"{len(_EVENT) - 2 + _STAMP_DIGITS:x}\r\n{_EVENT_HEAD}".encode()
_CHUNK_TAIL = f"{_EVENT_TAIL}\r\n".encode()
_STAMP = re.compile(rb'"obfuscation":"(\d{20})"')
_USAGE = (
    b'data: {"id":"chatcmpl-CdxiIrlxetLzjuBRfsl3k1X7s1F9u","object":"chat.completion.chunk","created":1763640366,'
    b'"model":"gpt-4o-mini-2024-07-18","choices":[],"usage":{"prompt_tokens":23,"completion_tokens":200,"total_tokens":223}}\n\n'
)
_REQUEST = b'{"model":"gpt-4o-mini","messages":[{"role":"user","content":"What is the capital of France?"}],"stream":true'
_ASKING = (
    "POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n"
    "Authorization: Bearer sk-0123456789abcdef0123456789abcdef\r\nUser-Agent: OpenAI/Python 3.54.0\r\nAccept: */*\r\n\r\n"
)
_MOST_AT_ONCE = 10
_END = b"0\r\n\r\n"


def chunk(now_ns: int) -> bytes:
    """One event with its time, in one HTTP chunk."""
    return b"%s%020d%s" % (_CHUNK_HEAD, now_ns, _CHUNK_TAIL)


def framed(events: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(events), events)


class Source:
    """The upstream. `turn` sends what is due."""

    def __init__(self, loop: Loop, chunks: int, gap_ns: int) -> None:
        self._loop, self._chunks, self._gap_ns = loop, chunks, gap_ns
        self._due: list[tuple[int, int, socket.socket, bool]] = []
        self._order = 0
        self.sent = 0
        self.late_ns: list[int] = []

    def serve(self, taken: socket.socket) -> None:
        asked = bytearray()

        def ready() -> None:
            piece = received(taken)
            if not piece:
                self._loop.forget(taken)
                return
            asked.extend(piece)
            if asked.endswith(b"}") and b'"messages":[' in asked:
                taken.send(_HEAD + chunk(time.perf_counter_ns()))
                self._plan(time.perf_counter_ns() + self._gap_ns, self._chunks - 1, taken, b"include_usage" in asked)
                asked.clear()

        self._loop.add(taken, ready)

    def _plan(self, at: int, left: int, taken: socket.socket, usage: bool) -> None:
        self._order += 1
        heapq.heappush(self._due, (at, self._order, left, taken, usage))  # type: ignore[misc]

    def turn(self) -> None:
        """Send what is due, but little at once: what arrives meanwhile must not wait for a source that is behind."""
        due = self._due
        for _ in range(_MOST_AT_ONCE):
            if not due or due[0][0] > (now := time.perf_counter_ns()):
                return
            at, _, left, taken, usage = heapq.heappop(due)  # type: ignore[misc]
            if taken.fileno() < 0:
                continue
            self.late_ns.append(now - at)
            if left:
                taken.send(chunk(now))
                self.sent += 1
                self._plan(at + self._gap_ns, left - 1, taken, usage)
            else:
                taken.send((framed(_USAGE) if usage else b"") + framed(b"data: [DONE]\n\n") + _END)


class Reader:
    """Callers of one port, each reading one stream after the other."""

    def __init__(self, loop: Loop, port: int) -> None:
        self._loop, self._port = loop, port
        body = _REQUEST + b"}"
        self._request = _ASKING.format(path=MODEL_PATH, port=port, length=len(body)).encode() + body
        self.counts = False
        self.open = 0
        self.first_ns: list[int] = []
        self.delays_ns: list[int] = []
        self.together = 0
        self.cut = 0

    def start(self) -> None:
        made = self._loop.connect(self._port)
        clock = time.perf_counter_ns
        asked = clock()
        first = True

        def ready() -> None:
            nonlocal asked, first
            piece = received(made)
            now = clock()
            if not piece:
                raise SystemExit("a stream was cut, so nothing was measured")
            if first:
                self._begun(now - asked, piece)
                first = False
            elif self.counts:
                self._note(now, piece)
            if piece.endswith(_END):
                asked, first = clock(), True
                made.send(self._request)

        self._loop.add(made, ready)
        made.send(self._request)

    def _begun(self, took_ns: int, piece: bytes) -> None:
        self.open += 1
        if not piece.startswith(b"HTTP/1.1 200"):
            raise SystemExit(f"a stream was refused, so nothing was measured: {piece[:300]!r}")
        if self.counts:
            self.first_ns.append(took_ns)

    def _note(self, now: int, piece: bytes) -> None:
        stamps = _STAMP.findall(piece)
        self.delays_ns.extend([now - int(stamp) for stamp in stamps])
        if len(stamps) > 1 or (stamps and piece.endswith(_END)):
            self.together += 1
        elif not piece.endswith(b"\r\n"):
            self.cut += 1
