"""Undo Content-Encoding of a kept body, a bounded amount of it.

Strategy: one streaming decompressor per coding, fed the pieces as they arrived, so that the arrival times of a compressed
stream's chunks can be carried over to the plain bytes: the result says how many plain bytes each piece gave.

Invariants
- Never more than `limit` plain bytes: 10 MB of zeros fit in 10 kB of gzip. Of these the first and the last are kept, as much
  of both as the caller has room for: usage stands at the end of a document.
- A body that was cut, or is not what its header says, gives the bytes up to the fault. Nothing raises.

Traps
- "deflate" is zlib's format by the RFC and raw deflate from some servers; the first byte tells them apart.
- zstd is in the standard library from Python 3.14 and in backports.zstd before, which clickhouse-connect brings; brotli is used
  if it happens to be installed. Without it `inflate` answers None and the body stays unread.
"""

import importlib
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from msgspec import Struct

MAX_INFLATED_BYTES = 32 << 20

Step = Callable[[bytes, int], bytes]


class Decoder(NamedTuple):
    """One coding being undone: a piece and the most plain bytes to give for it; whether the coding's own end was seen."""

    step: Step
    ended: Callable[[], bool]


class Inflated(Struct, frozen=True):
    """Plain bytes, how many of them each piece gave, and whether all pieces could be read within the limit.

    `tail`: the last ones, where those in the middle were not kept. `size`: how many there were, kept or not; larger than the
    limit if there were more. `ended`: the coding reached its own end too, so nothing of the body is missing.
    """

    data: bytes
    lengths: tuple[int, ...]
    complete: bool
    ended: bool = False
    tail: bytes = b""
    size: int = 0


def inflate(
    pieces: Iterable[bytes], content_encoding: str, limit: int = MAX_INFLATED_BYTES, *, head: int | None = None, tail: int = 0
) -> Inflated | None:
    """The plain body of `pieces`, or None if this coding cannot be undone here.

    Where `head` is given, only so many of its first and `tail` of its last bytes are kept.
    """
    codings = [name.strip().lower() for name in content_encoding.split(",")]
    decoders: list[Decoder] = []
    for name in reversed([name for name in codings if name not in ("", "identity")]):
        decoder = _CODINGS.get(name, _unknown)()
        if decoder is None:
            return None
        decoders.append(decoder)
    kept = _Ends(limit if head is None else min(head, limit), tail)
    complete = _run(pieces, [decoder.step for decoder in decoders], limit, kept)
    ended = complete and all(decoder.ended() for decoder in decoders)
    return kept.inflated(complete, ended)


def _run(pieces: Iterable[bytes], steps: list[Step], limit: int, kept: "_Ends") -> bool:
    room = limit
    for piece in pieces:
        plain = piece
        try:
            for step in steps:
                plain = step(plain, room + 1)
        except _errors():
            return False
        kept.add(plain[:room])
        if len(plain) > room:
            kept.size += 1
            return False
        room -= len(plain)
    return True


class _Ends:
    """The first and the last bytes of what is added."""

    def __init__(self, head: int, tail: int) -> None:
        self._first: list[bytes] = []
        self._last = bytearray()
        self._room, self._tail = head, tail
        self._lengths: list[int] = []
        self.size = 0

    def add(self, piece: bytes) -> None:
        self._lengths.append(len(piece))
        self.size += len(piece)
        first = piece[: self._room]
        self._first.append(first)
        self._room -= len(first)
        if self._tail and len(first) < len(piece):
            self._last += piece[max(len(first), len(piece) - self._tail) :]
            del self._last[: max(len(self._last) - self._tail, 0)]

    def inflated(self, complete: bool, ended: bool) -> Inflated:
        head, tail = b"".join(self._first), bytes(self._last)
        self._first.clear()
        size = sum(self._lengths)
        if len(head) + len(tail) == size:
            return Inflated(head + tail if tail else head, tuple(self._lengths), complete, ended, size=self.size)
        lengths = tuple(_within(self._lengths, len(head), size - len(tail)))
        return Inflated(head, lengths, complete, ended, tail, self.size)


def _within(lengths: Iterable[int], head: int, tail_at: int) -> Iterator[int]:
    """How much of each piece lies in front of `head` or behind `tail_at`."""
    end = 0
    for length in lengths:
        start, end = end, end + length
        yield max(0, min(end, head) - start) + max(0, end - max(start, tail_at))


def _zlib(window_bits: int) -> Decoder:
    stream = zlib.decompressobj(window_bits)
    return Decoder(stream.decompress, lambda: stream.eof)


def _gzip() -> Decoder:
    return _zlib(16 + zlib.MAX_WBITS)


def _deflate() -> Decoder:
    chosen: list[Decoder] = []

    def step(data: bytes, most: int) -> bytes:
        if not data:
            return b""
        if not chosen:
            # A zlib header's low nibble is 8 (method deflate); raw deflate starts with a last-block bit and a type, never so.
            chosen.append(_zlib(zlib.MAX_WBITS if data[0] & 0x0F == 8 else -zlib.MAX_WBITS))
        return chosen[0].step(data, most)

    return Decoder(step, lambda: bool(chosen) and chosen[0].ended())


def _zstd() -> Decoder | None:
    module = _module("compression.zstd") or _module("backports.zstd")
    if module is None:
        return None
    stream = module.ZstdDecompressor()
    return Decoder(lambda data, most: b"" if stream.eof else stream.decompress(data, most), lambda: stream.eof)


def _brotli() -> Decoder | None:
    module = _module("brotli")
    if module is None:
        return None
    stream = module.Decompressor()
    try:
        stream.process(b"", output_buffer_limit=1)
    except TypeError:  # before 1.2 there is no bound, so a bomb would go off
        return None
    return Decoder(lambda data, most: stream.process(data, output_buffer_limit=most), stream.is_finished)


def _unknown() -> Decoder | None:
    return None


def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def _errors() -> tuple[type[Exception], ...]:
    kinds: list[type[Exception]] = [zlib.error, EOFError]
    for name, error in (("compression.zstd", "ZstdError"), ("backports.zstd", "ZstdError"), ("brotli", "error")):
        kind = getattr(_module(name), error, None)
        if kind is not None:
            kinds.append(kind)
    return tuple(kinds)


_CODINGS: dict[str, Callable[[], Decoder | None]] = {
    "gzip": _gzip,
    "x-gzip": _gzip,
    "deflate": _deflate,
    "zstd": _zstd,
    "br": _brotli,
}
