"""What the bytes of a batch are: records with where they came from, and what could not be understood, with the reason.

A batch is cut by the bytes it has on disk. What these become in memory is known only once they are decoded: kilobytes may have
become megabytes, since bodies are kept compressed. So decoding may end before the batch does, and the batch is cut there.
"""

import logging
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

from tracer.records import Call, Exchange
from tracer.signals import Record, decode_signal, is_signal
from tracer.spool.segment import Record as Spooled

_log = logging.getLogger(__name__)

Decode = Callable[[bytes], Record]
Letter = tuple[Spooled, Record]
# Of a stream's piece: two numbers, and their places in two tuples.
_PIECE_BYTES = 80


@dataclass(frozen=True, slots=True)
class Contents:
    """The records of a batch. `size`: bytes of their texts in memory."""

    letters: Sequence[Letter]
    unreadable: Sequence[tuple[Spooled, str]] = ()
    size: int = 0

    def __len__(self) -> int:
        return len(self.letters) + len(self.unreadable)

    def since(self, oldest_ns: int) -> "Contents":
        """Without what was written before."""
        letters = [each for each in self.letters if each[0].written_ns >= oldest_ns]
        return Contents(letters, [each for each in self.unreadable if each[0].written_ns >= oldest_ns])


def decoder(to_call: Callable[[Exchange], Call]) -> Decode:
    """Spooled bytes to their record. Raises msgspec.MsgspecError."""
    unpack = msgspec.msgpack.Decoder(Exchange).decode

    def decode(payload: bytes) -> Record:
        return decode_signal(payload) if is_signal(payload) else to_call(unpack(payload))

    return decode


def contents_of(records: Sequence[Spooled], decode: Decode, most_bytes: int | None = None) -> Contents:
    """What these bytes are; of the first of them only, where what they became takes more than `most_bytes`."""
    letters: list[Letter] = []
    unreadable: list[tuple[Spooled, str]] = []
    size = 0
    for spooled in records:
        if most_bytes is not None and size > most_bytes:
            break
        try:
            record = decode(spooled.payload)
            letters.append((spooled, record))
            size += _size_of(record)
        except Exception as error:
            # Part of the drain loop: bytes that are no record, or one that our own decoding trips over, must not stand in the
            # way of all that follow.
            if not isinstance(error, msgspec.MsgspecError):
                _log.exception("a record could not be understood")
            unreadable.append((spooled, f"not understood: {type(error).__name__}: {error}"))
    return Contents(letters, unreadable, size)


def _size_of(record: Record) -> int:
    """Bytes of the texts that may be long: one letter beyond Latin-1 makes all of a text two or four times as large."""
    content = record.content if isinstance(record, Call) else None
    if content is None:
        return 0
    texts = (content.request_body, content.original_body, content.response_body, content.assembled)
    return sum(map(sys.getsizeof, texts)) + _PIECE_BYTES * len(content.chunk_at_us)
