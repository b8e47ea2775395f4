"""A few hundred calls of known values with feedback on some of them, in a real store."""

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from exporters import clickhouse
from tests.store.running import RunningStore
from tests.store.samples import call
from tracer import ids
from tracer.records import Call
from tracer.store import client, schema

BEGAN = (datetime.now(UTC) - timedelta(days=1)).replace(minute=0, second=0, microsecond=0)
HOURS = 5
# More than one hour, so that a graph has several buckets, and some of them empty.
SINCE, UNTIL = BEGAN - timedelta(hours=1), BEGAN + timedelta(hours=HOURS + 1)
WINDOW = {"time_of_generation_min": SINCE.isoformat(), "time_of_generation_max": UNTIL.isoformat()}


@dataclass(frozen=True, slots=True)
class Opinion:
    """A row of llm.feedback."""

    number: int
    trace_id: str
    value: float
    weight: float
    key_id: str = "k-1"
    version: int = 1


def many_calls(count: int = 300) -> list[Call]:
    """The same ones every time, so far as the clock allows."""
    dice = random.Random(20260921)
    return [_call(number, dice) for number in range(1, count + 1)]


def _call(number: int, dice: random.Random) -> Call:
    outcome, status = dice.choice(
        [("ok", 200)] * 8
        + [("cache_hit", 200), ("upstream_error", 429), ("upstream_error", 500), ("stream_error", 200)]
        + [("timeout", 408), ("client_gone", 0), ("refused", 400)]
    )
    cache = "HIT" if outcome == "cache_hit" else dice.choice(["DISABLED", "MISS", "REFRESH"])
    cost = None if dice.random() < 0.2 else Decimal(dice.randrange(1, 10**9)).scaleb(-12)
    stream = dice.random() < 0.4
    tokens = dice.choice([None, dice.randrange(1, 5000)])
    user = dice.choice(["", "ana", "bo", "chris, of accounts", "d'arcy"])
    return call(
        number,
        started_at=BEGAN + timedelta(seconds=dice.randrange(HOURS * 3600), microseconds=dice.randrange(10**6)),
        trace_id=f"t-{dice.randrange(60)}",
        span_id=f"s-{number}",
        provider=(provider := dice.choice(["openai", "groq", ""])),
        request_model=(wanted := dice.choice(["gpt-4o", "llama-3", ""])),
        response_model=f"{wanted}-2026" if wanted and provider == "openai" else "",
        outcome=outcome,
        status_code=status,
        attempt=dice.choice([0, 0, 0, 1, 2]),
        stream=stream,
        duration_ms=(duration := dice.randrange(1, 10**6) / 100),
        ttft_ms=duration / 3 if stream and dice.random() < 0.8 else None,
        ttfb_ms=duration / 4 if dice.random() < 0.9 else None,
        input_tokens=tokens,
        output_tokens=None if tokens is None else tokens // 2,
        total_tokens=None if tokens is None else tokens + tokens // 2,
        cost_usd=Decimal(0) if cache == "HIT" else cost,
        saved_usd=cost if cache == "HIT" else None,
        cache_status=cache,
        user=user,
        metadata={"_user": user, "team": dice.choice(["a", "b"])} if user else {},
        prompt_id=dice.choice(["", "pp-hello-1"]),
        key_id=dice.choice(["k-1", "k-2", ""]),
    )


def opinions() -> list[Opinion]:
    """Several on some traces, one that was changed, one on a trace that nobody knows."""
    dice = random.Random(7)
    given = [
        Opinion(
            number,
            f"t-{dice.randrange(40)}",
            float(dice.randrange(-10, 11)),
            dice.choice([1.0, 0.5, 0.25]),
            f"k-{1 + number % 2}",
        )
        for number in range(1, 81)
    ]
    return [
        *given,
        Opinion(500, "t-0", -3.0, 1.0),
        Opinion(500, "t-0", 7.0, 0.5, version=2),
        Opinion(501, "t-unknown", 9.0, 1.0),
    ]


def newest(given: list[Opinion]) -> list[Opinion]:
    """Of each opinion the last version."""
    return list({opinion.number: opinion for opinion in sorted(given, key=lambda o: o.version)}.values())


def fill(store: RunningStore, calls: list[Call], given: list[Opinion]) -> None:
    """Put them into the store, whose tables are made if they are not there."""
    exporter = clickhouse.open(store.settings)
    exporter.export(calls, f"many-{random.random()}")
    exporter.close()
    rows = [
        [UUID(int=o.number), BEGAN, BEGAN, o.trace_id, ids.otel_trace_id(o.trace_id), o.value, o.weight, o.key_id, o.version]
        for o in given
    ]
    names = ["feedback_id", "created_at", "updated_at", "trace_id", "otel_trace_id", "value", "weight", "key_id", "version"]
    with client.embedded(store.settings, write=True) as writer:
        schema.migrate(writer, store.settings)
        writer.command("TRUNCATE TABLE llm.feedback")
        if rows:
            # A token of its own: ClickHouse takes equal blocks for repeats.
            writer.insert("llm.feedback", rows, names, settings={"insert_deduplication_token": str(random.random())})
