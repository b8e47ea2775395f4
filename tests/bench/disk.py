"""What calls take on disk: bytes a row of `llm.calls`, and by how much `llm.bodies` is compressed.

Two kinds of data, each in an embedded store of its own:
- A day of made-up traffic (tests/traffic): users, sessions, models, failures and latencies as a company has them. Its ids and
  times are as random as real ones. What is said in it is made of few words, so it tells nothing about bodies.
- The recorded corpus, each exchange once, through the sink's decoding and the exporter: real bodies. Where it is not there, the
  scripted provider's bodies are all there is, which repeat themselves: their ratio is no claim.

Figures are of all columns as compressed (`data_compressed_bytes` of system.parts) after OPTIMIZE FINAL, which is what merging
leaves in the end; beside them the same as the inserts left it, and with indexes and marks (`bytes_on_disk`).
"""

import argparse
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from clickhouse_connect.driver.client import Client

from exporters import clickhouse
from tests.bench.bodies import bodies, calls
from tests.store.running import RunningStore
from tests.traffic import columns, plan
from tests.traffic.million import _insert
from tracer.records import Exchange
from tracer.sink import price
from tracer.sink.decode import decode
from tracer.store import client as store_client
from tracer.store import schema

USERS = 4000
_BATCH = 2000
_SECOND_NS = 10**9
_PARTS = (
    "SELECT sum(rows), sum(data_compressed_bytes), sum(data_uncompressed_bytes), sum(bytes_on_disk) FROM system.parts "
    "WHERE database = 'llm' AND table = {table:String} AND active"
)
_COLUMNS = (
    "SELECT name, data_compressed_bytes, compression_codec FROM system.columns "
    "WHERE database = 'llm' AND table = {table:String} AND data_compressed_bytes > 0 ORDER BY 2 DESC LIMIT {most:UInt32}"
)


@dataclass(frozen=True, slots=True)
class Size:
    """Of a table: rows, and bytes of its columns compressed, as they are, and of everything."""

    rows: int
    compressed: int
    plain: int
    on_disk: int

    @property
    def each(self) -> float:
        return self.compressed / self.rows

    @property
    def ratio(self) -> float:
        return self.plain / self.compressed

    def __str__(self) -> str:
        whole = self.on_disk / self.rows
        return f"{self.each:7.1f} B a row, with indexes {whole:7.1f} B; {self.ratio:4.1f} x compressed ({self.rows} rows)"


def size(client: Client, table: str) -> Size:
    return Size(*client.query(_PARTS, {"table": table}).result_rows[0])


def merged(client: Client, table: str, what: str) -> Size:
    """Its size when everything is merged."""
    print(f"{what}: llm.{table}")
    print(f"  as inserted  {size(client, table)}")
    client.command(f"OPTIMIZE TABLE llm.{table} FINAL")
    found = size(client, table)
    print(f"  merged       {found}")
    return found


def widest(client: Client, table: str, rows: int, most: int) -> None:
    """The columns that take most, where parts are large enough to tell."""
    for name, compressed, codec in client.query(_COLUMNS, {"table": table, "most": most}).result_rows:
        print(f"    {compressed / rows:7.2f} B  {name}  {codec}")


def day_of_traffic(client: Client, count: int) -> None:
    """The calls of the day before now."""
    rng = np.random.default_rng(1)
    start = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
    _insert(client, "llm.calls", columns.table(rng, plan.plan_day(rng, 0, count, USERS), start, USERS))


def decoded(store: RunningStore, found: Sequence[Exchange]) -> None:
    """These exchanges, a second apart, as the sink would store them."""
    book, exporter = price.load(None), clickhouse.open(store.settings)
    since_ns = int((datetime.now(UTC) - timedelta(hours=2)).timestamp()) * _SECOND_NS
    made = [decode(each, book) for each in calls(len(found), found, since_ns, _SECOND_NS)]
    for start in range(0, len(made), _BATCH):
        exporter.export(made[start : start + _BATCH], f"bench:{start}")
    exporter.close()


def measured(place: Path, count: int, source: str, most: int) -> dict[str, Any]:
    what, found = bodies(source)
    with RunningStore(place / "traffic") as store, store_client.connect(store.settings, write=True) as client:
        schema.migrate(client, store.settings)
        day_of_traffic(client, count)
        rows = merged(client, "calls", f"a day of made-up traffic, {count} calls")
        widest(client, "calls", rows.rows, most)
    with RunningStore(place / "recorded") as store:
        decoded(store, found)
        with store_client.connect(store.settings, write=True) as client:
            own_rows, said = merged(client, "calls", what), merged(client, "bodies", what)
            widest(client, "bodies", said.rows, most)
    return {
        "calls_bytes": rows.each,
        "calls_on_disk_bytes": rows.on_disk / rows.rows,
        "calls_of_bodies_bytes": own_rows.each,
        "bodies_bytes": said.each,
        "bodies_ratio": said.ratio,
        "rows": f"of a day of {count} made-up calls, merged",
        "bodies": what,
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.disk", description=__doc__)
    parser.add_argument("--calls", type=int, default=200_000, help="of made-up traffic")
    parser.add_argument("--bodies", choices=("either", "recorded", "scripted"), default="either")
    parser.add_argument("--columns", type=int, default=12, help="how many of the widest columns to list")
    parser.add_argument("--json", type=Path, help="where to write the figures too")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tracer-bench-") as place:
        figures = measured(Path(place), asked.calls, asked.bodies, asked.columns)
    print(f"\n{figures['calls_bytes']:.0f} B a row of llm.calls; bodies {figures['bodies_ratio']:.1f} x compressed")
    if asked.json is not None:
        asked.json.write_text(json.dumps({"name": "disk", "figures": figures}))


if __name__ == "__main__":
    main()
