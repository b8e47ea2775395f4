"""Undo Content-Encoding of a kept body, a bounded amount of it.

Strategy: one streaming decompressor per coding, fed the pieces as they arrived, so that the arrival times of a compressed
stream's chunks can be carried over to the plain bytes: the result says how many plain bytes each piece gave.

Invariants
- Never more than `limit` plain bytes: 10 MB of zeros fit in 10 kB of gzip.
- A body that was cut, or is not what its header says, gives the bytes up to the fault. Nothing raises.

Traps
- "deflate" is zlib's format by the RFC and raw deflate from some servers; the first byte tells them apart.
- zstd is in the standard library from Python 3.14 and in backports.zstd before, which clickhouse-connect brings; brotli is used
  if it happens to be installed. Without it `inflate` answers None and the body stays unread.
"""

import importlib
import zlib
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

MAX_INFLATED_BYTES = 32 << 20

Step = Callable[[bytes, int], bytes]


class Decoder(NamedTuple):
    """One coding being undone: a piece and the most plain bytes to give for it; whether the coding's own end was seen."""

    step: Step
    ended: Callable[[], bool]


class Inflated(Struct, frozen=True):
    """Plain bytes, how many of them each piece gave, and whether all pieces could be read within the limit.

    `ended`: the coding reached its own end too, so nothing of the body is missing.
    """

    data: bytes
    lengths: tuple[int, ...]
    complete: bool
    ended: bool = False


def inflate(pieces: Iterable[bytes], content_encoding: str, limit: int = MAX_INFLATED_BYTES) -> Inflated | None:
    """The plain body of `pieces`, or None if this coding cannot be undone here."""
    codings = [name.strip().lower() for name in content_encoding.split(",")]
    decoders: list[Decoder] = []
    for name in reversed([name for name in codings if name not in ("", "identity")]):
        decoder = _CODINGS.get(name, _unknown)()
        if decoder is None:
            return None
        decoders.append(decoder)
    inflated = _run(pieces, [decoder.step for decoder in decoders], limit)
    ended = inflated.complete and all(decoder.ended() for decoder in decoders)
    return replace(inflated, ended=ended)


def _run(pieces: Iterable[bytes], steps: list[Step], limit: int) -> Inflated:
    out: list[bytes] = []
    room = limit
    for piece in pieces:
        plain = piece
        try:
            for step in steps:
                plain = step(plain, room + 1)
        except _errors():
            return Inflated(b"".join(out), tuple(map(len, out)), False)
        out.append(plain[:room])
        if len(plain) > room:
            return Inflated(b"".join(out), tuple(map(len, out)), False)
        room -= len(plain)
    return Inflated(b"".join(out), tuple(map(len, out)), True)


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
