"""ClickHouse's own compression: blocks with a checksum, as `compress=1` and `decompress=1` ask for (clickhouse-go, JDBC).

A block is 16 bytes of CityHash128 (of version 1.0.2) over the rest, a byte for the method, the size with these 9 bytes of head,
the plain size, and the data. Blocks follow each other to the end. Bounded: the plain size comes from the sender.
"""

import importlib
import struct
import sys
from typing import Any

import lz4.block
from clickhouse_cityhash.cityhash import CityHash128

from tracer.store.errors import failure

_zstd: Any = importlib.import_module("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")

_CHECKSUM = struct.Struct("<QQ")
_HEAD = struct.Struct("<BII")
_NONE, _LZ4, _ZSTD = 0x02, 0x82, 0x90
_LOW = (1 << 64) - 1
# ClickHouse's max_compress_block_size.
_BLOCK_BYTES = 1 << 20


class Framer:
    """Plain bytes in, blocks out; in the form of coding's encoders."""

    def __init__(self, method: str = "LZ4") -> None:
        """`method` is ClickHouse's network_compression_method."""
        self._zstd = method.upper() == "ZSTD"

    def feed(self, data: bytes) -> bytes:
        return b"".join(self._block(data[start : start + _BLOCK_BYTES]) for start in range(0, len(data), _BLOCK_BYTES))

    def end(self) -> bytes:
        return b""

    def as_it_is(self, data: bytes) -> bytes:
        """A block that is not compressed: clickhouse-go looks for an error in the bytes of the wire."""
        return _framed(_NONE, data, len(data))

    def _block(self, data: bytes) -> bytes:
        packed = _zstd.compress(data, 1) if self._zstd else lz4.block.compress(data, store_size=False)
        return _framed(_ZSTD if self._zstd else _LZ4, packed, len(data))


def _framed(method: int, packed: bytes, plain_size: int) -> bytes:
    block = _HEAD.pack(method, len(packed) + _HEAD.size, plain_size) + packed
    return _checksum(block) + block


def unframe(data: bytes, limit: int) -> bytes:
    """The plain bytes of blocks; raises QueryFailed for broken blocks, or more than `limit` bytes."""
    out: list[bytes] = []
    at = total = 0
    while at < len(data):
        start = at + _CHECKSUM.size
        if len(data) < start + _HEAD.size:
            raise _broken("it ends in the middle")
        method, size, plain_size = _HEAD.unpack_from(data, start)
        block, at = data[start : start + size], start + size
        total += plain_size
        if len(block) != size or _checksum(block) != data[start - _CHECKSUM.size : start]:
            raise _broken("the checksum is wrong")
        if total > limit:
            raise failure(36, "BAD_ARGUMENTS", f"The body is larger than {limit} bytes when decompressed")
        out.append(_unpack(method, block[_HEAD.size :], plain_size))
    return b"".join(out)


def _unpack(method: int, packed: bytes, plain_size: int) -> bytes:
    try:
        if method == _LZ4:
            return bytes(lz4.block.decompress(packed, uncompressed_size=plain_size))
        if method == _ZSTD:
            return bytes(_zstd.ZstdDecompressor().decompress(packed, plain_size))
    except (lz4.block.LZ4BlockError, _zstd.ZstdError, ValueError) as error:
        raise _broken(str(error)) from None
    if method == _NONE:
        return packed
    raise _broken(f"unknown method 0x{method:02x}")


def _checksum(block: bytes) -> bytes:
    value = CityHash128(block)
    return _CHECKSUM.pack(value >> 64, value & _LOW)


def _broken(reason: str) -> Exception:
    return failure(271, "CANNOT_DECOMPRESS", f"The body is not in ClickHouse's compressed blocks: {reason}")
