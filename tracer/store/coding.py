"""Content-Encoding of the store's requests and replies: gzip, deflate, lz4 frames, zstd.

Trap: clickhouse-connect sends one lz4 frame after another in one body, and lz4.frame.decompress stops after the first.
Bounded: a few kB of zeros can inflate to anything.
"""

import gzip
import importlib
import sys
import zlib
from collections.abc import Callable
from typing import Any

import lz4.frame

from tracer.store.errors import BAD_ARGUMENTS, failure

# zstd came into the standard library with 3.14; before, clickhouse-connect brings the backport.
_zstd: Any = importlib.import_module("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")

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


def encode(data: bytes, accepted: str) -> tuple[bytes, str | None]:
    """The body in the first coding of ours that the client accepts, and that coding's name."""
    if len(data) < WORTH_CODING_BYTES:
        return data, None
    offered = {
        name.strip().lower()
        for part in accepted.split(",")
        for name, _, weight in [part.partition(";")]
        if weight.strip() != "q=0"
    }
    for name, encoder in _ENCODERS.items():
        if name in offered:
            return encoder(data), name
    return data, None


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


_DECODERS: dict[str, Callable[[], Any]] = {
    "lz4": lz4.frame.LZ4FrameDecompressor,
    "zstd": _zstd.ZstdDecompressor,
    "gzip": lambda: zlib.decompressobj(16 + zlib.MAX_WBITS),
    "deflate": zlib.decompressobj,
}
_ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "lz4": lz4.frame.compress,
    "zstd": _zstd.compress,
    "gzip": lambda data: gzip.compress(data, 3, mtime=0),
    "deflate": zlib.compress,
}
