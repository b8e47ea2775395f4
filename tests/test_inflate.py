import gzip
import itertools
import zlib

import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from tracer import inflate as module
from tracer.inflate import inflate

TEXT = b'{"choices":[{"message":{"content":"hello"}}]}' * 40


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


CODED = {
    "gzip": gzip.compress(TEXT),
    "x-gzip": gzip.compress(TEXT),
    "deflate": zlib.compress(TEXT),
    "Deflate": raw_deflate(TEXT),
    "zstd": zstd.compress(TEXT),
    "identity": TEXT,
    "": TEXT,
    "gzip, zstd": zstd.compress(gzip.compress(TEXT)),
}


@pytest.mark.parametrize("coding", CODED)
@given(at=st.lists(st.integers(0, 600), max_size=4))
def test_any_cut_gives_the_plain_bytes(coding: str, at: list[int]) -> None:
    wire = CODED[coding]
    edges = [0, *sorted(min(a, len(wire)) for a in at), len(wire)]
    plain = inflate([wire[a:b] for a, b in itertools.pairwise(edges)], coding)
    assert plain is not None
    assert plain.data == TEXT
    assert plain.complete
    assert sum(plain.lengths) == len(TEXT)


def test_each_piece_knows_what_it_gave() -> None:
    packer = zlib.compressobj(wbits=16 + zlib.MAX_WBITS)
    pieces = [packer.compress(part) + packer.flush(zlib.Z_SYNC_FLUSH) for part in (b"data: a\n\n", b"data: bb\n\n")]
    plain = inflate(pieces, "gzip")
    assert plain is not None
    assert plain.lengths == (9, 10)


@pytest.mark.parametrize("coding", CODED)
def test_the_codings_own_end_is_seen(coding: str) -> None:
    wire = CODED[coding]
    plain = inflate([wire], coding)
    assert plain is not None
    assert plain.ended
    if coding in ("", "identity"):
        return
    for missing in range(1, 12):
        cut = inflate([wire[:-missing]], coding)
        assert cut is not None
        assert not cut.ended, missing


@pytest.mark.parametrize("coding", ["gzip", "zstd", "identity"])
@given(at=st.lists(st.integers(0, 600), max_size=4), head=st.integers(0, 2500), tail=st.integers(0, 2500))
def test_of_a_long_body_both_ends_are_kept(coding: str, at: list[int], head: int, tail: int) -> None:
    wire = CODED[coding]
    edges = [0, *sorted(min(a, len(wire)) for a in at), len(wire)]
    pieces = [wire[a:b] for a, b in itertools.pairwise(edges)]
    plain, whole = inflate(pieces, coding, head=head, tail=tail), inflate(pieces, coding)
    assert plain is not None
    assert whole is not None
    assert (plain.complete, plain.ended, plain.size) == (True, whole.ended, len(TEXT))
    if head + tail >= len(TEXT):
        assert (plain.data, plain.tail, plain.lengths) == (TEXT, b"", whole.lengths)
        return
    assert (plain.data, plain.tail) == (TEXT[:head], TEXT[len(TEXT) - tail :])
    kept = [number for number in range(len(TEXT)) if number < head or number >= len(TEXT) - tail]
    ends = list(itertools.accumulate(whole.lengths, initial=0))
    assert plain.lengths == tuple(sum(a <= number < b for number in kept) for a, b in itertools.pairwise(ends))


def test_what_is_more_than_the_limit_is_told() -> None:
    plain = inflate([gzip.compress(bytes(5000))], "gzip", limit=1000, head=10, tail=5)
    assert plain is not None
    assert (len(plain.data), len(plain.tail), plain.size, plain.complete) == (10, 5, 1001, False)


@pytest.mark.parametrize("coding", ["gzip", "deflate", "zstd"])
def test_a_bomb_is_not_unpacked(coding: str) -> None:
    zeros = bytes(10 << 20)
    packed = {"gzip": gzip.compress, "deflate": zlib.compress, "zstd": zstd.compress}[coding](zeros)
    plain = inflate([packed], coding, limit=1000)
    assert plain is not None
    assert plain.data == bytes(1000)
    assert not plain.complete


@pytest.mark.parametrize("coding", ["gzip", "deflate", "zstd"])
@given(rubbish=st.binary(max_size=40))
def test_rubbish_ends_the_body_without_an_error(coding: str, rubbish: bytes) -> None:
    whole = CODED[coding]
    plain = inflate([whole[: len(whole) // 2], rubbish], coding)
    assert plain is not None
    assert len(plain.data) <= len(TEXT) + 4096


def test_what_stood_before_a_fault_is_kept() -> None:
    packer = zlib.compressobj(wbits=16 + zlib.MAX_WBITS)
    good = packer.compress(b"data: a\n\n") + packer.flush(zlib.Z_SYNC_FLUSH)
    plain = inflate([good, b"\xff" * 9], "gzip")
    assert plain is not None
    assert plain.data == b"data: a\n\n"
    assert not plain.complete


def test_a_coding_that_nobody_here_can_undo_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    assert inflate([b"x"], "compress") is None
    monkeypatch.setattr(module, "_module", lambda name: None)
    assert inflate([b"x"], "br") is None
    assert inflate([b"x"], "zstd") is None


class Brotli:
    """Stands for the package, which is not a dependency."""

    class Decompressor:
        def process(self, data: bytes, output_buffer_limit: int) -> bytes:
            return data.upper()[:output_buffer_limit]

        def is_finished(self) -> bool:
            return True


class OldBrotli:
    class Decompressor:
        def process(self, data: bytes) -> bytes:
            return data


def test_brotli_is_used_where_it_is_installed_and_can_be_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_module", lambda name: Brotli if name == "brotli" else None)
    plain = inflate([b"ab", b"c"], "br")
    assert plain is not None
    assert plain.data == b"ABC"
    monkeypatch.setattr(module, "_module", lambda name: OldBrotli if name == "brotli" else None)
    assert inflate([b"ab", b"c"], "br") is None
