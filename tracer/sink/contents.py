"""What the bytes of a batch are: records with where they came from, and what could not be understood, with the reason."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

from tracer.records import Call, Exchange
from tracer.signals import Record, decode_signal, is_signal
from tracer.spool.segment import Record as Spooled

_log = logging.getLogger(__name__)

Decode = Callable[[bytes], Record]
Letter = tuple[Spooled, Record]


@dataclass(frozen=True, slots=True)
class Contents:
    """The records of a batch."""

    letters: Sequence[Letter]
    unreadable: Sequence[tuple[Spooled, str]] = ()

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


def contents_of(records: Sequence[Spooled], decode: Decode) -> Contents:
    """What these bytes are."""
    letters: list[Letter] = []
    unreadable: list[tuple[Spooled, str]] = []
    for spooled in records:
        try:
            letters.append((spooled, decode(spooled.payload)))
        except Exception as error:
            # Part of the drain loop: bytes that are no record, or one that our own decoding trips over, must not stand in the
            # way of all that follow.
            if not isinstance(error, msgspec.MsgspecError):
                _log.exception("a record could not be understood")
            unreadable.append((spooled, f"not understood: {type(error).__name__}: {error}"))
    return Contents(letters, unreadable)
