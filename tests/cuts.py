"""Every way in which bytes may be cut, for properties of what reads them piece by piece."""

import itertools

from hypothesis import strategies as st


@st.composite
def cuts(draw: st.DrawFn, data: bytes) -> list[bytes]:
    """`data` in pieces, some of them empty."""
    at = sorted(draw(st.lists(st.integers(0, len(data)), max_size=8)))
    return [data[a:b] for a, b in itertools.pairwise([0, *at, len(data)])]
