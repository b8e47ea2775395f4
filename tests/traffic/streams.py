"""When tokens came: the gaps of many streams at once, with the digests and percentiles that tracer/sink/latency.py gives them.

The gaps of a stream are log-logistic around its pace; some tokens come in one piece (a gap of nothing), and a stream stalls
now and then. A digest is drawn by systematic sampling, so its counts add up to the number of gaps exactly. `gaps_of` goes back
from a digest to gaps that add up to the time that `draw` said the stream took.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracer.sink.latency import BOUNDS_NS, STALL_NS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_UPPER_MS = np.array([*BOUNDS_NS, BOUNDS_NS[-1] * 2]) / 1e6
_LOWER_MS = np.array([0.0, *_UPPER_MS[:-1]])
_MIDDLE_MS = np.where(_LOWER_MS > 0, np.sqrt(np.maximum(_LOWER_MS, 1e-9) * _UPPER_MS), 0.02)
_TOGETHER = 0.06  # share of gaps that are nothing
_SPREAD = 4.2  # the higher, the more regular
_STALLS = 0.0008  # share of gaps that are much longer
_STALL_FACTOR = 45
_STALL_MS = STALL_NS / 1e6


@dataclass(frozen=True, slots=True)
class Gaps:
    """One element a stream; `digest` has a row for each, `buckets` says how many of its columns count."""

    total_ms: Floats
    p50_ms: Floats
    p95_ms: Floats
    max_ms: Floats
    stalls: Ints
    digest: Ints
    buckets: Ints


def draw(rng: np.random.Generator, pace_ms: Floats, gaps: Ints) -> Gaps:
    """Gaps for streams of that pace, each with that many (at least one)."""
    pace = np.maximum(pace_ms, 0.05)[:, None]
    usual, stalled = _reached(pace), _reached(pace * _STALL_FACTOR)
    reached = _TOGETHER + (1 - _TOGETHER) * ((1 - _STALLS) * usual + _STALLS * stalled)
    reached[:, -2:] = 1.0  # none in the last bucket, which has no upper bound
    steps = np.floor(gaps[:, None] * reached + rng.random(len(gaps))[:, None]).astype(np.int64)
    digest = np.diff(steps, axis=1, prepend=0)
    sums = digest.cumsum(axis=1)
    within = np.sort(rng.random((len(gaps), 3)), axis=1)
    p50, p95 = (_place(sums, -(-gaps * percent // 100)) for percent in (50, 95))
    last = _place(sums, gaps)
    longest = _inside(last, within[:, 2])
    over = digest[:, _LOWER_MS >= _STALL_MS].sum(axis=1)
    return Gaps(
        total_ms=digest @ _MIDDLE_MS,
        p50_ms=_inside(p50, within[:, 0]),
        p95_ms=_inside(p95, within[:, 1]),
        max_ms=longest,
        # The bucket that a stall's bound falls into holds both; of it only the longest gap is known.
        stalls=np.maximum(over, longest > _STALL_MS),
        digest=digest,
        buckets=last + 1,
    )


def gaps_of(rng: np.random.Generator, digest: list[int]) -> Floats:
    """The gaps of one stream with that digest, milliseconds, in some order."""
    found: Floats = rng.permutation(np.repeat(_MIDDLE_MS[: len(digest)], digest))
    return found


def _reached(pace_ms: Floats) -> Floats:
    """Share of gaps up to each bound."""
    reached: Floats = 1 / (1 + (pace_ms / _UPPER_MS[None, :]) ** _SPREAD)
    return reached


def _place(sums: Ints, rank: Ints) -> Ints:
    """The bucket of the gap of that rank."""
    found: Ints = np.argmax(sums >= rank[:, None], axis=1)
    return found


def _inside(bucket: Ints, at: Floats) -> Floats:
    lower, upper = _LOWER_MS[bucket], _UPPER_MS[bucket]
    inside: Floats = np.round(lower + (upper - lower) * (0.001 + 0.998 * at), 6)
    return inside
