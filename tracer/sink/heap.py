"""Memory that was freed, given back to the system.

glibc keeps what a thread frees in an arena of that thread's, and gives back only what lies at its end: behind a backlog the
sink would stay as large as its largest batches made it, until it ends. `malloc_trim` gives back every free page, in some ten
milliseconds and without the interpreter's lock. A C library that has no such function keeps its memory as it will.
"""

import ctypes
import functools
from collections.abc import Callable


def give_back() -> None:
    """Give freed memory of all threads back."""
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
