"""Every fuzzing target holds for its seeds, and for some of what can be made of them; no fuzzer is needed for that."""

import random
import zlib
from pathlib import Path

import pytest

from tests.fuzz.targets import TARGETS

SEEDS = Path(__file__).parent / "seeds"
MUTATIONS = 60


def seeds(name: str) -> list[bytes]:
    return [path.read_bytes() for path in sorted((SEEDS / name).iterdir())]


def mutated(data: bytes, dice: random.Random) -> bytes:
    """Some bytes changed, removed, repeated or put somewhere else."""
    made = bytearray(data)
    for _ in range(dice.randrange(1, 5)):
        at, size = dice.randrange(len(made) + 1), dice.randrange(1, 20)
        match dice.randrange(4):
            case 0:
                made[at : at + 1] = dice.randbytes(1)
            case 1:
                del made[at : at + size]
            case 2:
                made[at:at] = made[at : at + size] * dice.randrange(1, 4)
            case _:
                made[at:at] = dice.choice([b"\n\n", b"\r", b"{", b"]", b'"', b"\\", b"\xff", b"\x00", b"-1", b"1e999"])
    return bytes(made)


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_seeds(name: str) -> None:
    assert seeds(name), "a target without seeds finds little"
    for data in (b"", b"\x00", *seeds(name)):
        TARGETS[name](data)


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_what_is_made_of_them(name: str) -> None:
    dice = random.Random(zlib.crc32(name.encode()))
    for data in seeds(name):
        for _ in range(MUTATIONS):
            made = mutated(data, dice)
            try:
                TARGETS[name](made)
            except Exception as error:
                error.add_note(f"input: {made!r}")
                raise


def test_seeds_are_of_targets() -> None:
    assert {path.name for path in SEEDS.iterdir()} == set(TARGETS)
