"""The recorded exchanges that stand beside this repository, read by the sink and counted by provider."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tests.conformance.commercial import is_commercial
from tests.sink.exchanges import provider_of, replay
from tests.sink.oracle import stated_usage
from tracer.records import Call
from tracer.sink.decode import decode
from tracer.sink.price import PriceBook


@dataclass(slots=True)
class Row:
    """What became of the exchanges with one provider. `stated`: those of status 200 that state a usage."""

    exchanges: int = 0
    stated: int = 0
    read: int = 0
    priced: int = 0
    unpriced: Counter[str] = field(default_factory=Counter)
    misread: list[str] = field(default_factory=list)


def rows_of(recorded: Iterable[dict[str, Any]], prices: PriceBook) -> dict[str, Row]:
    """One row for each provider."""
    rows: dict[str, Row] = defaultdict(Row)
    for exchange in recorded:
        row = rows[provider_of(exchange)]
        row.exchanges += 1
        stated = stated_usage(exchange)
        if stated is None:
            continue
        row.stated += 1
        call = decode(replay(exchange), prices)
        if (call.input_tokens, call.output_tokens) == (stated.input, stated.output) and adds_up(call):
            row.read += 1
        else:
            row.misread.append(exchange["id"])
        if call.cost_usd is not None:
            row.priced += 1
        else:
            row.unpriced[call.price_source.removeprefix("none: ")] += 1
    return rows


def adds_up(call: Call) -> bool:
    """Whether the buckets are the totals."""
    given = (call.uncached_input_tokens, call.cache_read_tokens, call.cache_write_tokens)
    given += (call.audio_input_tokens, call.image_input_tokens)
    made = (call.text_output_tokens, call.reasoning_tokens, call.audio_output_tokens)
    whole = (call.input_tokens or 0, call.output_tokens or 0)
    return (sum(part or 0 for part in given), sum(part or 0 for part in made)) == whole


def share_priced(rows: dict[str, Row]) -> tuple[int, int]:
    """Of the calls of commercial providers with usage: how many have a price, and how many there are."""
    sold = [row for provider, row in rows.items() if is_commercial(provider)]
    return sum(row.priced for row in sold), sum(row.stated for row in sold)
