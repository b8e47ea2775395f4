"""ClickHouse's compressed blocks. That real drivers read and write them is shown in clients/."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer.store.errors import QueryFailed
from tracer.store.framing import Framer, unframe

METHODS = ("LZ4", "zstd")


@given(st.lists(st.binary(max_size=300), max_size=4), st.sampled_from(METHODS))
def test_what_is_framed_unframes(pieces: list[bytes], method: str) -> None:
    framer = Framer(method)
    framed = b"".join(framer.feed(piece) for piece in pieces) + framer.end()
    assert unframe(framed, 2000) == b"".join(pieces)


def test_large_pieces_become_several_blocks_and_an_error_stays_readable() -> None:
    framer = Framer()
    large = bytes(3 << 20)
    assert unframe(framer.feed(large) + framer.as_it_is(b"__exception__"), 4 << 20) == large + b"__exception__"
    assert b"__exception__" in framer.as_it_is(b"__exception__")


@pytest.mark.parametrize("method", METHODS)
def test_every_broken_byte_is_seen(method: str) -> None:
    framed = Framer(method).feed(b"some text, some text, some text")
    for at in range(len(framed)):
        broken = framed[:at] + bytes((framed[at] ^ 0xFF,)) + framed[at + 1 :]
        with pytest.raises(QueryFailed, match="Code: 271"):
            unframe(broken, 1000)
        if at:
            with pytest.raises(QueryFailed, match="Code: 271"):
                unframe(framed[:at], 1000)


def test_bounded() -> None:
    with pytest.raises(QueryFailed, match="larger than 1000 bytes"):
        unframe(Framer().feed(bytes(1 << 20)), 1000)
