"""Dead letters: records that an exporter gave up on, kept with the reason.

One JSON object a line in <data_dir>/dead/<exporter>.jsonl: when, why, the call's id (another record's kind and id) and the
spooled bytes (base64), so that nothing is lost even when a backend will never take it. `tracer doctor` counts them.
"""

import base64
import os
from pathlib import Path

import orjson


def bury(data_dir: Path, exporter: str, *, at_ns: int, call_id: str, reason: str, exchange: bytes) -> None:
    """Append one dead letter and sync it. Raises OSError."""
    folder = data_dir / "dead"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    reason = reason.encode("utf-8", "replace").decode()  # it may quote bytes that are no text
    entry = {"at_ns": at_ns, "call_id": call_id, "reason": reason, "exchange": base64.b64encode(exchange).decode()}
    file = os.open(folder / f"{exporter}.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        os.write(file, orjson.dumps(entry) + b"\n")
        os.fsync(file)
    finally:
        os.close(file)


def count(data_dir: Path) -> dict[str, int]:
    """Dead letters by exporter."""
    folder = data_dir / "dead"
    files = sorted(folder.glob("*.jsonl")) if folder.is_dir() else []
    return {path.stem: _lines(path) for path in files}


def _lines(path: Path) -> int:
    with path.open("rb") as file:
        return sum(1 for _ in file)
