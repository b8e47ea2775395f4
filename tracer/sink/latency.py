"""When tokens arrived: time to the first one, the gaps between them, and a digest of the gaps that can be added up in SQL.

Strategy: the proxy notes when each piece of the body copy arrived (records.Chunks); the decoder knows at which byte each event
ended. Walking both gives the arrival of every event; those that carried a token make the timeline. Role-only, empty and
usage-only events are not tokens (facts.py decides).

Events that arrive in one piece arrive together: their gap is 0, as it was for the client.

The digest is a list of counts. Bucket 0 counts gaps up to 0.25 ms; bucket i gaps above 0.25 * 2^((i-1)/4) ms and up to
0.25 * 2^(i/4) ms; bucket 73, the last, everything above 65,536 ms. Neighbouring bounds differ by 19 %, so a percentile read
from a digest is at most 19 % too high. (These are the buckets of an OpenTelemetry exponential histogram of scale 2 in
milliseconds: bucket i is its index i - 9.) Zeros at the end are left out. Digests of many calls add up with sumForEach;
a percentile (here 95 %) of all gaps in milliseconds is

    WITH arrayCumSum(sumForEach(itl_digest)) AS reached
    SELECT 0.25 * exp2((arrayFirstIndex(n -> n >= 0.95 * reached[-1], reached) - 1) / 4) FROM llm.calls
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import accumulate
from operator import sub

from msgspec import Struct

from tracer.records import Chunks

# A reader notices a pause of this length; no model that is working is that slow between two tokens.
STALL_NS = 10**9
_BUCKETS = 74
BOUNDS_NS = tuple(round(250_000 * 2 ** (i / 4)) for i in range(_BUCKETS - 1))


class Timing(Struct, frozen=True):
    """Of the tokens of one stream; everything None or empty where there were too few."""

    ttft_ms: float | None = None
    itl_p50_ms: float | None = None
    itl_p95_ms: float | None = None
    itl_max_ms: float | None = None
    stalls: int | None = None
    itl_digest: tuple[int, ...] = ()


def arrivals(chunks: Chunks, lengths: Sequence[int] | None = None) -> tuple[Sequence[int], Sequence[int]]:
    """For each piece of the body copy, the offset just behind it and its arrival in ns since the start.

    `lengths` replaces the recorded ones when the body was compressed on the wire. Damaged records give no pieces.
    """
    recorded, at_ns = pieces(chunks)
    ends = list(accumulate(recorded if lengths is None else lengths))
    return (ends, at_ns) if ends and len(ends) == len(at_ns) else ((), ())


def pieces(chunks: Chunks) -> tuple[Sequence[int], Sequence[int]]:
    """Length and arrival (ns since the start) of each piece, as recorded; nothing of damaged records."""
    at_ns, lengths = array("Q"), array("I")
    try:
        at_ns.frombytes(chunks.at_ns)
        lengths.frombytes(chunks.length)
    except ValueError:
        return (), ()
    return (lengths, at_ns) if len(lengths) == len(at_ns) else ((), ())


def times_of(offsets: Sequence[int], ends: Sequence[int], at_ns: Sequence[int]) -> list[int]:
    """Arrival of the pieces that completed the bytes up to each of `offsets` (ascending), as far as pieces reach."""
    pieces = len(ends)
    found = (bisect_left(ends, offset) for offset in offsets)
    return [at_ns[piece] for piece in found if piece < pieces]


def timing(token_ns: Sequence[int]) -> Timing:
    """What a timeline of tokens (ns since the start of the call, ascending) says."""
    if not token_ns:
        return Timing()
    gaps = sorted(map(sub, token_ns[1:], token_ns))
    if not gaps or gaps[0] < 0:  # arrivals that run backwards are damaged
        return Timing(ttft_ms=token_ns[0] / 1e6)
    return Timing(
        ttft_ms=token_ns[0] / 1e6,
        itl_p50_ms=_nearest(gaps, 50) / 1e6,
        itl_p95_ms=_nearest(gaps, 95) / 1e6,
        itl_max_ms=gaps[-1] / 1e6,
        stalls=len(gaps) - bisect_right(gaps, STALL_NS),
        itl_digest=digest(gaps),
    )


def digest(gaps_ns: Sequence[int]) -> tuple[int, ...]:
    """Counts of gaps by the buckets above, without the zeros at the end."""
    if not gaps_ns:
        return ()
    counts = [0] * (bisect_left(BOUNDS_NS, max(gaps_ns)) + 1)
    for gap in gaps_ns:
        counts[bisect_left(BOUNDS_NS, gap)] += 1
    return tuple(counts)


def _nearest(ordered: Sequence[int], percent: int) -> int:
    """The nearest-rank percentile: the smallest value that at least `percent` % do not exceed."""
    return ordered[-(-len(ordered) * percent // 100) - 1]
