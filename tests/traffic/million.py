"""A store with a million calls in it (or 20,000), made once and kept on disk for the tests, boards and screenshots that follow.

    with million() as traffic:                    # a running store of your own; ~1 s once it was made
        traffic.settings, traffic.url, traffic.start, traffic.end, traffic.rows
    data_dir = copy_to(tmp_path / "data")         # the same as a directory that nobody has open; `small` for 20,000

`python -m tests.traffic.million [--small] [--serve PORT]` makes it, and with --serve answers on that port until Ctrl-C.

It is kept below .cache/traffic/, under a name made of the generator's and the schema's text, so that a change of either makes
it anew. The data end at the instant at which they were made; `fresh` says how long ago that may be. Whoever asks gets a copy
(parts, which ClickHouse never changes, as hard links), so nobody disturbs another, and an engine has its directory to itself.

The retention of the store is ten years: with the default's, old calls would vanish from a cache that is some weeks old.
"""

import argparse
import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
from clickhouse_connect.driver.client import Client

from exporters.rows import PRICE_COLUMNS
from tests.store.running import RunningStore
from tests.traffic import columns, content, plan
from tests.traffic.prices import PRICES
from tracer.config import Settings
from tracer.store import client as store_client
from tracer.store import schema

MANY, FEW = 1_000_000, 20_000
_USERS = {MANY: 4000, FEW: 900}
# Calls of the newest day, and of each of some days before, that were kept with what was said.
_BODIES = {MANY: (4000, 200), FEW: (1000, 60)}
_BODY_DAYS = 14
_ROOT = Path(__file__).parents[2]
_CACHE = _ROOT / ".cache" / "traffic"
_KEEP = {"TRACER_RETENTION_DAYS": "3650", "TRACER_BODIES_RETENTION_DAYS": "3650"}
_LINKED = {".bin", ".packed", ".cmrk", ".cmrk2", ".cmrk3", ".cmrk4", ".cidx", ".idx"}
_FRESH = timedelta(hours=20)
_INSERTS, _WAITING = 2, 8


@dataclass(frozen=True, slots=True)
class Traffic:
    """A running store with calls between `start` and `end`."""

    store: RunningStore
    start: datetime
    end: datetime
    rows: int

    @property
    def settings(self) -> Settings:
        return self.store.settings

    @property
    def url(self) -> str:
        return self.store.url


@contextlib.contextmanager
def million(small: bool = False, fresh: timedelta = _FRESH, port: int | None = None, **environ: str) -> Iterator[Traffic]:
    """A store with the calls, running on a copy that is removed afterwards. `environ` are more TRACER_ variables for it."""
    with tempfile.TemporaryDirectory(prefix="tracer-traffic-", dir=_home()) as directory:
        end = copy_to(Path(directory) / "data", small, fresh)
        store = RunningStore(Path(directory) / "data", {**_KEEP, **environ}, **({} if port is None else {"port": port}))
        with store:
            yield Traffic(store, end - timedelta(days=plan.DAYS), end, FEW if small else MANY)


def copy_to(data_dir: Path, small: bool = False, fresh: timedelta = _FRESH) -> datetime:
    """Put the data into `data_dir` (on the disk of .cache/, else it is copied in full); the instant at which they end.

    Whoever runs a store on it should set TRACER_RETENTION_DAYS and TRACER_BODIES_RETENTION_DAYS to 3650.
    """
    count = FEW if small else MANY
    with _made(count, fresh) as (kept, end):
        shutil.copytree(kept, data_dir, symlinks=True, copy_function=_link_or_copy)
    return end


def fill(settings: Settings, count: int, end: datetime, seed: int = 1) -> None:
    """Insert `count` calls that end at `end`, and what belongs to them, into the store of `settings`."""
    users = _USERS.get(count, 900)
    # A day is inserted while the next is made.
    with store_client.connect(settings, write=True) as client, ThreadPoolExecutor(_INSERTS) as pool:
        priced = [price for price in PRICES if price is not None]
        rows_of_prices = [[getattr(price, name) for name in PRICE_COLUMNS] for price in priced]
        client.insert("llm.prices", rows_of_prices, column_names=PRICE_COLUMNS)
        waiting: deque[Future[None]] = deque()
        for number, calls in enumerate(plan.calls_by_day(count)):
            rng = np.random.default_rng([seed, number])
            day = end - timedelta(days=plan.DAYS - number)
            rows = columns.table(rng, plan.plan_day(rng, number, calls, users), day, users)
            made = content.of_day(rng, rows, int(end.timestamp() * 1e6), _bodies(count, number))
            waiting.extend(pool.submit(_insert, client, name, table) for name, table in {"llm.calls": rows, **made}.items())
            while len(waiting) > _WAITING:
                waiting.popleft().result()
        for each in waiting:
            each.result()


def _bodies(count: int, day: int) -> int:
    newest, before = _BODIES.get(count, _BODIES[FEW])
    return newest if day == plan.DAYS - 1 else before if day >= plan.DAYS - _BODY_DAYS else 0


def _insert(client: Client, name: str, rows: pa.Table) -> None:
    if len(rows) == 0:
        return
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, rows.schema) as writer:
        writer.write_table(rows)
    settings = {"async_insert": 0, "max_partitions_per_insert_block": 0}
    client.raw_insert(name, rows.column_names, insert_block=sink.getvalue().to_pybytes(), fmt="Arrow", settings=settings)


@contextlib.contextmanager
def _made(count: int, fresh: timedelta) -> Iterator[tuple[Path, datetime]]:
    """The kept directory and the end of its data; nobody else makes or removes it meanwhile."""
    place = _home() / f"{count}-{_key()}"
    with (_home() / f"{count}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        note = place / "made.json"
        end = datetime.fromisoformat(json.loads(note.read_text())["end"]) if note.exists() else None
        if end is None or datetime.now(UTC) - end > fresh:
            for old in _home().glob(f"{count}-*"):
                shutil.rmtree(old)
            end = datetime.now(UTC).replace(microsecond=0)
            _make(place / "data", count, end)
            note.write_text(json.dumps({"end": end.isoformat()}))
        yield place / "data", end


def _make(data_dir: Path, count: int, end: datetime) -> None:
    began = time.monotonic()
    with RunningStore(data_dir, _KEEP) as store:
        fill(store.settings, count, end)
    print(f"made {count:,} calls in {time.monotonic() - began:.0f} s: {data_dir}", file=sys.stderr)


def _home() -> Path:
    _CACHE.mkdir(parents=True, exist_ok=True)
    return _CACHE


def _key() -> str:
    """Of all that the data depend on but the time."""
    digest = hashlib.sha256()
    generator = (file for file in Path(__file__).parent.glob("*.py") if not file.name.startswith(("test_", "conftest")))
    for file in [*sorted(generator), *sorted(Path(schema.__file__).parent.glob("*.sql"))]:
        digest.update(file.name.encode() + file.read_bytes())
    return digest.hexdigest()[:16]


def _link_or_copy(source: str, target: str) -> None:
    if os.path.splitext(source)[1] in _LINKED:
        with contextlib.suppress(OSError):  # another disk
            os.link(source, target)
            return
    shutil.copy2(source, target)


def _main() -> None:
    parser = argparse.ArgumentParser(description="Make the store of a million calls, and serve it.")
    parser.add_argument("--small", action="store_true", help="20,000 calls")
    parser.add_argument("--serve", type=int, metavar="PORT", help="answer on this port until Ctrl-C")
    chosen = parser.parse_args()
    if chosen.serve is None:
        with _made(FEW if chosen.small else MANY, _FRESH) as (kept, end):
            print(f"{kept}, until {end}")
        return
    with million(chosen.small, port=chosen.serve) as traffic:
        print(f"{traffic.url} in {traffic.settings.data_dir}, from {traffic.start} to {traffic.end}", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            signal.pause()


if __name__ == "__main__":
    _main()
