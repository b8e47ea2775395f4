import gzip
import zlib

import lz4.frame
import pytest
from clickhouse_connect.driver.compression import comp_map, get_compressor
from hypothesis import given
from hypothesis import strategies as st

from tracer.store import coding
from tracer.store.errors import QueryFailed

CODINGS = ("lz4", "zstd", "br", "gzip", "deflate")


@given(st.binary(min_size=coding.WORTH_CODING_BYTES, max_size=5000), st.sampled_from(CODINGS))
def test_what_is_encoded_decodes(data: bytes, name: str) -> None:
    encoded, used = coding.encode(data, f"snappy, {name};q=0.5")
    assert used == name
    assert coding.decode(encoded, name, len(data)) == data


@given(st.lists(st.binary(min_size=1, max_size=300), min_size=1, max_size=4), st.sampled_from(("lz4", "zstd", "gzip")))
def test_what_clickhouse_connect_sends_in_pieces_decodes_whole(blocks: list[bytes], name: str) -> None:
    assert name in comp_map
    compressor = get_compressor(name)
    body = b"".join(bytes(compressor.compress_block(block)) for block in blocks) + (compressor.flush() or b"")
    assert coding.decode(body, name, 10_000) == b"".join(blocks)


def test_codings_stack() -> None:
    assert coding.decode(lz4.frame.compress(gzip.compress(b"x")), "gzip, lz4", 100) == b"x"
    assert coding.decode(b"x", "identity", 100) == b"x"


def test_small_unwanted_and_unknown_are_left_alone() -> None:
    assert coding.encode(b"x", "gzip") == (b"x", None)
    large = b"x" * coding.WORTH_CODING_BYTES
    assert coding.encode(large, "snappy, gzip;q=0, br;q=0.0") == (large, None)


@pytest.mark.parametrize("name", CODINGS)
@pytest.mark.parametrize("fault", ["garbage", "cut", "bomb"])
def test_broken_and_overlong_bodies_are_refused(name: str, fault: str) -> None:
    encoded = coding.encode(bytes(range(256)) * 40, name)[0]
    data = {"garbage": b"no such thing", "cut": encoded[:-20], "bomb": encoded}[fault]
    with pytest.raises(QueryFailed):
        coding.decode(data, name, 1000 if fault == "bomb" else 1 << 20)


def test_unknown_coding_is_named() -> None:
    with pytest.raises(QueryFailed, match="'snappy'"):
        coding.decode(zlib.compress(b"x"), "snappy", 100)
