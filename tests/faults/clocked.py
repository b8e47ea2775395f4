"""`python -m tests.faults.clocked FILE KIND INDEX`: a process of Tracer's whose wall clock is wrong by what FILE holds.

FILE has eight bytes, nanoseconds to add, and may change at any time. Python's `time.time` and `time.time_ns` are replaced
before anything of Tracer is loaded; the monotonic clock is left alone, as a real jump leaves it. libfaketime would catch C
libraries too, but Python's own `time.sleep` fails under it (an absolute `clock_nanosleep`, EINVAL; 0.9.10 with Python 3.11).
"""

import mmap
import struct
import sys
import time
from pathlib import Path

_NS = struct.Struct("<q")


def set_clock(file: Path, seconds: float) -> None:
    """Let the processes on this file be so many seconds ahead."""
    if not file.exists():
        file.write_bytes(_NS.pack(0))
    with file.open("r+b") as opened:
        opened.write(_NS.pack(int(seconds * 1e9)))


def main() -> None:
    file = Path(sys.argv.pop(1))
    with file.open("rb") as opened:
        held = mmap.mmap(opened.fileno(), _NS.size, access=mmap.ACCESS_READ)
    right_ns = time.time_ns

    def wrong_ns() -> int:
        return right_ns() + int(_NS.unpack_from(held)[0])

    time.time_ns = wrong_ns
    time.time = lambda: wrong_ns() / 1e9
    from tracer import child  # not above: it would keep the right clock

    child.main()


if __name__ == "__main__":
    main()
