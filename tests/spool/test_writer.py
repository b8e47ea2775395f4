"""What waits for the disk is in memory once, however much a commit writes; and however it is written, it is one commit."""

import os
import threading
import tracemalloc
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from tracer.spool import reader, segment, writer
from tracer.spool.segment import Place
from tracer.spool.writer import Writer

KIB = 1 << 10
SIZE = 256 * KIB
MANY = 48


def counted(reason: str) -> float:
    return REGISTRY.get_sample_value("tracer_dropped_records_total", {"reason": reason}) or 0.0


def opened(log: Path, **limits: int) -> Writer[int]:
    """Items are numbers; their records are that many copies of a byte."""

    def encode(number: int) -> bytes:
        if number < 0:
            raise ValueError("cannot be encoded")
        return bytes([number]) * SIZE

    return Writer(log, encode, **{"max_bytes": 1 << 30, "segment_bytes": 1 << 30, **limits}, gather_seconds=0.0)


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> tuple[threading.Event, list[int]]:
    """A disk whose first sync takes until it is let go, and how many bytes were written at each sync."""
    go, synced, written = threading.Event(), list[int](), [0]
    pwrite = os.pwrite

    def write(file: int, data: bytes, offset: int) -> int:
        written[0] += len(data)
        return pwrite(file, data, offset)

    def sync(file: int) -> None:
        assert go.wait(20)
        synced.append(written[0])
        written[0] = 0

    monkeypatch.setattr(os, "pwrite", write)
    monkeypatch.setattr(os, "fdatasync", sync)
    return go, synced


def records(log: Path) -> list[bytes]:
    found = reader.next_batch(log, Place(), max_records=1000, max_bytes=1 << 30)
    return [record.payload[:1] for record in found.records] if found else []


def test_a_large_commit_is_encoded_a_portion_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held: tuple[threading.Event, list[int]]
) -> None:
    monkeypatch.setattr(writer, "PORTION_BYTES", 512 * KIB)
    go, synced = held
    spool = opened(tmp_path / "w0")
    for number in range(MANY):
        spool.append(number, SIZE)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        go.set()
        spool.close()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak - before < 12 * SIZE  # two portions of two or three records, each of them three times for a moment
    assert records(tmp_path / "w0") == [bytes([number]) for number in range(MANY)]
    assert len(synced) <= 2  # what came first, and all that came while that was synced
    assert sum(synced) == segment.size(tmp_path / "w0", 1)


def test_a_disk_that_fails_within_a_commit_gets_all_of_it_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "PORTION_BYTES", 512 * KIB)
    monkeypatch.setattr(writer, "RETRY_SECONDS", 0.0)
    pwrite, calls = os.pwrite, [0]

    def failing(file: int, data: bytes, offset: int) -> int:
        calls[0] += 1
        if calls[0] in (3, 5):
            raise OSError(28, "no space left")
        return pwrite(file, data, offset)

    before = counted("encode_error")
    monkeypatch.setattr(os, "pwrite", failing)
    spool = opened(tmp_path / "w0")
    for number in (*range(8), -1):
        spool.append(number, SIZE)
    spool.close()
    assert records(tmp_path / "w0") == [bytes([number]) for number in range(8)]
    assert counted("encode_error") == before + 1  # once, though it was tried with every write


def test_at_the_bound_what_fits_of_a_commit_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "PORTION_BYTES", SIZE)
    before = counted("spool_full")
    spool = opened(tmp_path / "w0", max_bytes=5 * SIZE)
    for number in range(8):
        spool.append(number, SIZE)
    spool.close()
    assert records(tmp_path / "w0") == [bytes([number]) for number in range(4)]
    assert counted("spool_full") == before + 4
