"""Keys are recognisable, long enough, and never the same twice."""

import hashlib
import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer.registry.key_format import digest, holds_key, is_key, new_id, new_key


def test_a_key_has_its_prefix_and_room_for_192_bits() -> None:
    key = new_key()
    assert re.fullmatch("tr-[0-9A-Za-z]{33}", key)
    assert is_key(key)
    assert math.log2(62) * 33 > 192


def test_no_two_are_alike_and_every_digit_is_used() -> None:
    keys = {new_key() for _ in range(500)}
    assert len(keys) == 500
    for place in range(3, 36):
        assert len({key[place] for key in keys}) > 50


def test_an_id_says_nothing_of_the_secret() -> None:
    assert re.fullmatch("key_[0-9a-f]{8}", new_id())
    assert len({new_id() for _ in range(100)}) > 90


def test_the_digest_is_sha256() -> None:
    key = new_key()
    assert digest(key) == hashlib.sha256(key.encode()).hexdigest()


@pytest.mark.parametrize(
    "text", ["", "tr-", "tr-" + "a" * 32, "tr-" + "a" * 34, "sk-" + "a" * 33, "tr-" + "ä" * 33, "TR-" + "a" * 33]
)
def test_other_texts_are_no_keys(text: str) -> None:
    assert not is_key(text)


def test_a_key_is_found_inside_a_text() -> None:
    key = new_key()
    assert holds_key(f"session=1; token={key}; x")
    assert not is_key(f" {key}")
    assert not holds_key("tr-short and tr-" + "a" * 20)


@given(st.text())
def test_nothing_raises(text: str) -> None:
    assert not is_key(text) or holds_key(text)
