"""Content-Encoding of the store's requests and replies: gzip, deflate, lz4 frames, zstd, brotli.

Trap: clickhouse-connect sends one lz4 frame after another in one body, and lz4.frame.decompress stops after the first.
Bounded: a few kB of zeros can inflate to anything.
"""

import importlib
import re
import sys
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import lz4.frame

from tracer.store.errors import BAD_ARGUMENTS, failure

# zstd came into the standard library with 3.14; before, clickhouse-connect brings the backport.
_zstd: Any = importlib.import_module("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")

_BROTLI: Any = importlib.import_module("brotli")  # without types

# Smaller replies are sent as they are: the coding's own bytes and time cost more.
WORTH_CODING_BYTES = 1024


def decode(data: bytes, encoding: str, limit: int) -> bytes:
    """The plain body; raises QueryFailed for an unknown coding, broken data, or more than `limit` bytes."""
    for name in reversed([part.strip().lower() for part in encoding.split(",") if part.strip()]):
        if name == "identity":
            continue
        start = _DECODERS.get(name)
        if start is None:
            raise failure(BAD_ARGUMENTS, "BAD_ARGUMENTS", f"Unknown Content-Encoding '{name}'; known: {', '.join(_DECODERS)}")
        try:
            data = _all_frames(data, start, limit)
        except (zlib.error, EOFError, RuntimeError, ValueError, _zstd.ZstdError) as error:
            raise failure(271, "CANNOT_DECOMPRESS", f"The body is not {name}: {error}") from None
    return data


class Encoder(Protocol):
    """Plain bytes in, coded bytes out, piece by piece."""

    def feed(self, data: bytes) -> bytes: ...
    def end(self) -> bytes: ...


@dataclass(frozen=True, slots=True)
class _Calls:
    """An encoder of two functions."""

    feed: Callable[[bytes], bytes]
    end: Callable[[], bytes]


def encoder(accepted: str) -> tuple[str, Encoder] | None:
    """The first coding of ours that the client accepts, if it accepts one: its name, and a fresh encoder."""
    offered = {
        name.strip().lower()
        for part in accepted.split(",")
        for name, _, weight in [part.partition(";")]
        if not re.fullmatch(r"q=0(\.0*)?", weight.strip())
    }
    return next(((name, start()) for name, start in _ENCODERS.items() if name in offered), None)


def encode(data: bytes, accepted: str) -> tuple[bytes, str | None]:
    """A whole body in that coding, and the coding's name; small ones stay as they are."""
    found = encoder(accepted) if len(data) >= WORTH_CODING_BYTES else None
    if found is None:
        return data, None
    name, code = found
    return code.feed(data) + code.end(), name


def _all_frames(data: bytes, start: Callable[[], Any], limit: int) -> bytes:
    out: list[bytes] = []
    room = limit
    while data:
        decoder = start()
        plain = decoder.decompress(data, room + 1)
        room -= len(plain)
        if room < 0:
            raise failure(BAD_ARGUMENTS, "BAD_ARGUMENTS", f"The body is larger than {limit} bytes when decompressed")
        if not decoder.eof:
            raise EOFError("it ends in the middle")
        out.append(plain)
        data = decoder.unused_data or b""
    return b"".join(out)


class _Brotli:
    """brotli's decompressor with zlib's manners: bounded, and it says where it ended."""

    def __init__(self) -> None:
        self._stream = _BROTLI.Decompressor()
        self.unused_data = b""

    @property
    def eof(self) -> bool:
        return bool(self._stream.is_finished())

    def decompress(self, data: bytes, limit: int) -> bytes:
        out = bytearray()
        try:
            while not self._stream.is_finished() and (data or not self._stream.can_accept_more_data()) and len(out) < limit:
                out += self._stream.process(data, output_buffer_limit=limit - len(out))
                data = b""
        except _BROTLI.error as error:
            raise ValueError(str(error)) from None
        return bytes(out)


_DECODERS: dict[str, Callable[[], Any]] = {
    "lz4": lz4.frame.LZ4FrameDecompressor,
    "zstd": _zstd.ZstdDecompressor,
    "gzip": lambda: zlib.decompressobj(16 + zlib.MAX_WBITS),
    "deflate": zlib.decompressobj,
    "br": _Brotli,
}


def _lz4() -> Encoder:
    frame = lz4.frame.LZ4FrameCompressor()
    head: list[bytes] = [frame.begin()]
    return _Calls(lambda data: (head.pop() if head else b"") + frame.compress(data), lambda: b"".join(head) + frame.flush())


def _zlib(window: int) -> Encoder:
    stream = zlib.compressobj(3, zlib.DEFLATED, window)
    return _Calls(stream.compress, stream.flush)


def _zstandard() -> Encoder:
    stream = _zstd.ZstdCompressor()
    return _Calls(stream.compress, stream.flush)


def _brotli() -> Encoder:
    stream = _BROTLI.Compressor(quality=4)
    return _Calls(stream.process, stream.finish)


_ENCODERS: dict[str, Callable[[], Encoder]] = {
    "lz4": _lz4,
    "zstd": _zstandard,
    "br": _brotli,
    "gzip": lambda: _zlib(16 + zlib.MAX_WBITS),
    "deflate": lambda: _zlib(zlib.MAX_WBITS),
}
