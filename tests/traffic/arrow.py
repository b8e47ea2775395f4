"""Numpy's arrays as Arrow's, in types that ClickHouse takes for the columns of `llm.calls` as they are."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Array = Any  # pyarrow has no types
_UNITS = 12  # Decimal(18, 12)


def coded(codes: NDArray[np.integer[Any]], words: Sequence[str] | NDArray[np.str_]) -> Array:
    """A word for each code; for columns with few different ones."""
    # ClickHouse refuses a dictionary in which a word stands twice.
    once, place = np.unique(np.asarray(words), return_inverse=True)
    return pa.DictionaryArray.from_arrays(pa.array(place[codes].astype(np.int32)), pa.array(once, pa.string()))


def optional(values: NDArray[Any], known: NDArray[np.bool_]) -> Array:
    """NULL where it is not known."""
    return pa.array(values, mask=~known)


def hexadecimal(raw: NDArray[np.uint8]) -> NDArray[np.bytes_]:
    """Each row's bytes as lower-case hex digits."""
    digits = np.frombuffer(b"0123456789abcdef", np.uint8)
    pairs = np.empty((raw.shape[0], raw.shape[1] * 2), np.uint8)
    pairs[:, 0::2], pairs[:, 1::2] = digits[raw >> 4], digits[raw & 15]
    found: NDArray[np.bytes_] = pairs.view(f"S{pairs.shape[1]}").reshape(-1)
    return found


def dashed(digits: NDArray[np.bytes_]) -> NDArray[np.bytes_]:
    """32 hex digits as a UUID is written."""
    plain = digits.view(np.uint8).reshape(-1, 32)
    text = np.full((len(plain), 36), ord("-"), np.uint8)
    text[:, [*range(8), *range(9, 13), *range(14, 18), *range(19, 23), *range(24, 36)]] = plain
    found: NDArray[np.bytes_] = text.view("S36").reshape(-1)
    return found


def texts(values: NDArray[np.bytes_]) -> Array:
    """ASCII strings of one length or shorter."""
    return pa.array(values, pa.binary()).cast(pa.string())


def money(pico: NDArray[np.int64], known: NDArray[np.bool_]) -> Array:
    """Decimals of 10^-12 dollars."""
    halves = np.stack([pico, pico >> 63], axis=1)  # 128 bits, the lower half first
    valid = np.packbits(known, bitorder="little")
    return pa.Array.from_buffers(pa.decimal128(18, _UNITS), len(pico), [pa.py_buffer(valid), pa.py_buffer(halves.tobytes())])


def ragged(matrix: NDArray[Any], lengths: NDArray[np.int64], kind: Any) -> Array:
    """A list for each row: its first columns."""
    flat = matrix[np.arange(matrix.shape[1])[None, :] < lengths[:, None]]
    return pa.ListArray.from_arrays(_offsets(lengths), pa.array(flat, kind))


def lists(codes: NDArray[np.integer[Any]], choices: Sequence[Sequence[str]]) -> Array:
    """One of a few lists of words for each code."""
    lengths = np.array([len(each) for each in choices], np.int64)[codes]
    most = max(len(each) for each in choices) or 1
    table = np.array([[*each, *[""] * (most - len(each))] for each in choices])
    return ragged(table[codes], lengths, pa.string())


def maps(keys: Sequence[str], values: Sequence[NDArray[np.str_]], present: Sequence[NDArray[np.bool_]]) -> Array:
    """A map for each element, with each key where it is present."""
    there = np.stack(present, axis=1)
    codes = np.broadcast_to(np.arange(len(keys)), there.shape)[there]
    items = np.stack(values, axis=1)[there]
    names = pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32)), pa.array(list(keys))).dictionary_decode()
    return pa.MapArray.from_arrays(_offsets(there.sum(axis=1)), names, pa.array(items, pa.string()))


def _offsets(lengths: NDArray[np.int64]) -> Array:
    return pa.array(np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32))
