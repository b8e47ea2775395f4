"""`python -m tests.conformance`: every recorded exchange through the sink, as a table by provider.

    exchanges  recorded, errors and lists of messages included
    usage      of status 200 that state a usage of their own
    read       of these: read to the same totals as by another, simpler reader, with buckets that add up
    priced     of these: with a cost

Below: why calls have no price. Leaves with 1 if any was misread, or fewer than 95 % of the sold calls are priced.
"""

import gzip
import sys
from collections import Counter

import orjson
from rich.console import Console
from rich.table import Table

from tests.conformance.recorded import Row, rows_of, share_priced
from tests.sink.exchanges import CORPUS
from tracer.sink import price

_LEAST_PRICED = 0.95


def main() -> int:
    if not CORPUS.exists():
        print(f"there are no recorded exchanges at {CORPUS}")
        return 1
    with gzip.open(CORPUS) as lines:
        rows = rows_of(map(orjson.loads, lines), price.load(None))
    console = Console()
    console.print(_table(rows))
    console.print(_reasons(rows))
    priced, sold = share_priced(rows)
    misread = [name for row in rows.values() for name in row.misread]
    print(f"misread: {', '.join(misread) or 'none'}")
    print(f"priced of those that commercial providers sold: {priced} of {sold} = {priced / sold:.1%}")
    return int(bool(misread) or priced < _LEAST_PRICED * sold)


def _table(rows: dict[str, Row]) -> Table:
    table = Table("provider", *(column for column in ("exchanges", "usage", "read", "priced")))
    for column in table.columns[1:]:
        column.justify = "right"
    for provider, row in sorted(rows.items()):
        table.add_row(provider, *map(str, (row.exchanges, row.stated, row.read, row.priced)))
    sums = [sum(column) for column in zip(*((r.exchanges, r.stated, r.read, r.priced) for r in rows.values()), strict=True)]
    table.add_section()
    table.add_row("all", *map(str, sums))
    return table


def _reasons(rows: dict[str, Row]) -> Table:
    table = Table("provider", "calls", "why they have no price")
    reasons = Counter({(provider, reason): calls for provider, row in rows.items() for reason, calls in row.unpriced.items()})
    for (provider, reason), calls in sorted(reasons.items()):
        table.add_row(provider, str(calls), reason)
    return table


if __name__ == "__main__":
    sys.exit(main())
