"""Memory that nobody needs goes back to the system."""

import gc
import threading
import weakref
from pathlib import Path

from tracer.sink import heap

_PAGE_BYTES, _TEXT_BYTES, _TEXTS = 4096, 20_000, 5000


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE_BYTES


def test_what_a_thread_has_freed_is_given_back_though_something_behind_it_lives_on() -> None:
    kept: list[bytes] = []
    freed = threading.Event()

    def fill() -> None:
        texts = [b"x" * _TEXT_BYTES for _ in range(_TEXTS)]
        kept.append(texts[-1])
        del texts
        freed.set()
        done.wait()  # the thread, and so its arena, lives on

    done = threading.Event()
    thread = threading.Thread(target=fill)
    thread.start()
    assert freed.wait(30)
    before = _resident_bytes()
    heap.give_back()
    after = _resident_bytes()
    done.set()
    thread.join()
    assert len(kept[0]) == _TEXT_BYTES
    assert before - after > _TEXT_BYTES * _TEXTS / 2


def test_what_a_failure_had_in_its_hands_is_freed() -> None:
    class Batch:
        pass

    def fails() -> "weakref.ref[Batch]":
        batch = Batch()
        try:
            raise OSError
        except OSError as error:
            kept = error  # noqa: F841  as libraries do that keep the last error of several tries
        return weakref.ref(batch)

    gc.disable()
    try:
        batch = fails()
        assert batch() is not None
        heap.give_back()
        assert batch() is None
    finally:
        gc.enable()
