"""Dead letters: kept whole, readable, private, counted."""

import base64
import threading
from pathlib import Path

import orjson

from tracer.sink import dead


def bury(
    data_dir: Path, exporter: str = "clickhouse", reason: str = "no such column", exchange: bytes = b"\x00\xffbytes\n"
) -> None:
    dead.bury(data_dir, exporter, at_ns=17, call_id="0199", reason=reason, exchange=exchange)


def test_a_letter_holds_all_that_is_known(tmp_path: Path) -> None:
    bury(tmp_path, reason='a "reason"\nin two lines')
    (line,) = (tmp_path / "dead" / "clickhouse.jsonl").read_bytes().splitlines()
    assert orjson.loads(line) == {
        "at_ns": 17,
        "call_id": "0199",
        "reason": 'a "reason"\nin two lines',
        "exchange": base64.b64encode(b"\x00\xffbytes\n").decode(),
    }


def test_letters_hold_prompts_so_only_their_owner_reads_them(tmp_path: Path) -> None:
    bury(tmp_path)
    folder = tmp_path / "dead"
    assert folder.stat().st_mode & 0o077 == 0
    assert (folder / "clickhouse.jsonl").stat().st_mode & 0o077 == 0


def test_letters_are_counted_by_exporter(tmp_path: Path) -> None:
    assert dead.count(tmp_path) == {}
    for exporter in ("clickhouse", "otlp", "clickhouse"):
        bury(tmp_path, exporter)
    assert dead.count(tmp_path) == {"clickhouse": 2, "otlp": 1}


def test_letters_of_several_threads_do_not_mix(tmp_path: Path) -> None:
    threads = [threading.Thread(target=lambda: [bury(tmp_path, exchange=b"x" * 5000) for _ in range(10)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = (tmp_path / "dead" / "clickhouse.jsonl").read_bytes().splitlines()
    assert len(lines) == 40
    assert all(orjson.loads(line)["call_id"] == "0199" for line in lines)


def test_a_reason_with_any_text(tmp_path: Path) -> None:
    bury(tmp_path, reason="lone \udcff surrogate")
    assert dead.count(tmp_path) == {"clickhouse": 1}
