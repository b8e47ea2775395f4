"""Decoding ends where what it makes is enough; bytes that are no record stand in nobody's way."""

from collections.abc import Sequence

import msgspec
import pytest

from tests.sink.test_drain import call
from tracer.records import Call, Content
from tracer.sink.contents import contents_of
from tracer.spool.segment import Record as Spooled


def spooled(*texts: str) -> Sequence[Spooled]:
    return [Spooled(text.encode(), 1, 0) for text in texts]


def heavy(payload: bytes) -> Call:
    """A call whose reply is the text many times over."""
    if payload == b"?":
        raise msgspec.DecodeError("no exchange")
    said = payload.decode() * 1000
    return msgspec.structs.replace(
        call(1), content=Content(request_headers={}, request_body="", response_headers={}, response_body=said)
    )


@pytest.mark.parametrize(("most", "taken"), [(None, 5), (10_000, 5), (2_500, 3), (1, 1), (0, 1)])
def test_no_more_is_decoded_than_there_is_room_for(most: int | None, taken: int) -> None:
    found = contents_of(spooled(*"abcde"), heavy, most)
    assert len(found) == taken
    assert found.size > 1000 * taken


def test_a_text_counts_as_what_it_takes_in_memory() -> None:
    narrow, wide = (contents_of(spooled(letter), heavy).size for letter in ("a", "\N{PILE OF POO}"))
    assert 3.5 < wide / narrow < 4.1


def test_what_is_no_record_counts_as_one() -> None:
    found = contents_of(spooled("?", "a", "?", "b"), heavy, 1500)
    assert (len(found.letters), len(found.unreadable), len(found)) == (2, 2, 4)
    assert len(contents_of(spooled("?", "a", "?", "b"), heavy, 0)) == 2
