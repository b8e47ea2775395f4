"""Memory that nobody needs, given back to the system.

An exception refers to the frames it went through, which often refer to it. So what a failed delivery had in its hands, a batch,
stays until the collector comes by, which it hardly does (main.py): while a backend fails, that is most of what the sink holds.

glibc keeps what a thread frees in an arena of that thread's, and gives back only what lies at its end: behind a backlog the
sink would stay as large as its largest batches made it, until it ends. `malloc_trim` gives back every free page, in some ten
milliseconds and without the interpreter's lock. A C library that has no such function keeps its memory as it will.
"""

import ctypes
import functools
import gc
from collections.abc import Callable


def give_back() -> None:
    """Give back what all threads have freed, and what only refers to itself."""
    gc.collect()
    if trim := _malloc_trim():
        trim(0)


@functools.cache
def _malloc_trim() -> Callable[[int], int] | None:
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError):
        return None
    trim.argtypes, trim.restype = [ctypes.c_size_t], ctypes.c_int
    return trim
