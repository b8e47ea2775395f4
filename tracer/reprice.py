"""What calls would have cost by other prices: of another model, of another day, of another file. Nothing stored is touched.

Strategy: ask the store which kinds of call there are (provider, models, tier), look their prices up in a price book for each
day, and let the store count: it gets the rates as one text inside the query, so that a user who may only read can ask, and on
a cluster every machine counts its own calls. The sums are those of `llm.what_if` (tracer/store/schema/010_prices.sql).

Rules
- Only calls whose tokens are known are counted. A sum is over the calls for which it is known, the difference over those whose
  cost is known both ways; the rest is counted, with the kinds of token that the other price lacks: unknown is never 0.
- A call keeps the tier that it was served in, if the other price has one of that name.
- What Tracer's cache answered costs nothing by any price.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from tracer.config import Settings
from tracer.reprice_sql import BY, KINDS_OF_CALL, SUMS
from tracer.sink.price import PriceBook
from tracer.sink.rates import KINDS, Tariff
from tracer.sink.tiers import served
from tracer.store import client

_DAY = timedelta(days=1)
_PART_OF_A_DAY = timedelta(minutes=30)  # the lists' prices change on whole half hours
_AT_ONCE = 600  # rows of rates in one query, some 200 bytes each: ClickHouse takes 256 KiB of text
_EVER = 1 << 40


class CannotReprice(Exception):
    """What was asked for cannot be answered; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Which calls, and by which price; empty means the call's own."""

    since: datetime
    until: datetime
    by: str = "model"  # a key of BY, or metadata:<key>
    model: str = ""
    provider: str = ""
    tier: str | None = None
    at: datetime | None = None
    only: Mapping[str, str] = field(default_factory=dict)  # model, provider, user


@dataclass(slots=True)
class Sum:
    """Calls of one group. Each sum is over the calls for which it is known; None: there are none."""

    calls: int = 0
    cost_usd: Decimal | None = None
    unknown: int = 0  # calls whose own cost is unknown
    what_if_usd: Decimal | None = None
    unpriced: int = 0  # calls whose other price is unknown, or lacks a kind of token
    lacking: frozenset[str] = frozenset()
    # Over the calls for which both are known.
    compared_usd: Decimal | None = None
    difference_usd: Decimal | None = None

    def add(self, other: "Sum") -> None:
        self.calls += other.calls
        self.unknown += other.unknown
        self.unpriced += other.unpriced
        self.lacking |= other.lacking
        for name in ("cost_usd", "what_if_usd", "compared_usd", "difference_usd"):
            more = getattr(other, name)
            setattr(self, name, more if getattr(self, name) is None else getattr(self, name) + (more or 0))


@dataclass(frozen=True, slots=True)
class Answer:
    """Sums by group, dearest first, and why some calls have no other price, with their number."""

    groups: dict[str, Sum]
    reasons: dict[str, int]


def reprice(settings: Settings, book: PriceBook, question: Question) -> Answer:
    """Count. Raises CannotReprice, StoreError."""
    if question.model and not (question.provider or book.maker(question.model)):
        raise CannotReprice(f"whose model {question.model} is does not show from its name: say --provider")
    by = _group(question.by)
    groups: dict[str, Sum] = {}
    reasons: dict[str, int] = {}
    kinds = list(_rows(settings, KINDS_OF_CALL, question, {}))
    for rates in _in_parts(_rates_of(kind, book, question, reasons) for kind in kinds):
        sql = SUMS.replace("$by", by).replace("$rates", _quoted(json.dumps(rates)))
        for name, calls, cost, unknown, what_if, unpriced, lacking, *both in _rows(
            settings, sql, question, _metadata(question)
        ):
            own, other, compared, difference = map(_money, (cost, what_if, *both))
            found = Sum(int(calls), own, int(unknown), other, int(unpriced), frozenset(lacking), compared, difference)
            groups.setdefault(name, Sum()).add(found)
    in_time = question.by in ("day", "month")
    ordered = sorted(groups.items(), key=lambda item: item[0] if in_time else (-(item[1].cost_usd or 0), item[0]))
    return Answer(dict(ordered), reasons)


def _in_parts(of_kinds: Iterable[Iterable[list[Any]]]) -> Iterator[list[list[Any]]]:
    """The rows of some kinds of call together; those of one kind are never parted."""
    rows: list[list[Any]] = []
    for more in of_kinds:
        rows += more
        if len(rows) >= _AT_ONCE:
            yield rows
            rows = []
    if rows:
        yield rows


def _rates_of(kind: Sequence[Any], book: PriceBook, question: Question, reasons: dict[str, int]) -> Iterator[list[Any]]:
    """Rows of the inline table: kind of call, from when till when, above which input and up to which, the rates."""
    number, provider, host, asked, answered, tier, speed, usage_tier, calls = kind
    models = tuple(dict.fromkeys(model for model in (answered, asked) if model))
    word = served(tier, {"speed": speed, "service_tier": usage_tier}) if question.tier is None else question.tier
    if question.model:
        models, provider, host = (question.model,), question.provider or book.maker(question.model), ""
    elif question.provider:
        provider, host = question.provider, ""
    unknown: set[str] = set()
    for since, until, found in _spans(book, provider, models, word, host, question):
        if isinstance(found, str):
            unknown.add(found)
            yield [number, since, until, -1, _EVER, *[None] * len(KINDS)]
            continue
        up_to = _EVER
        for price in found:
            above = price.above_input_tokens or -1
            rates = [None if (rate := getattr(price, f"{name}_usd")) is None else f"{rate.normalize():f}" for name in KINDS]
            yield [number, since, until, above, up_to, *rates]
            up_to = price.above_input_tokens
    for reason in unknown:
        reasons[reason] = reasons.get(reason, 0) + int(calls)


def _spans(
    book: PriceBook, provider: str, models: tuple[str, ...], tier: str, host: str, question: Question
) -> Iterator[tuple[int, int, Tariff | str]]:
    """Times in which one tariff holds, in microseconds since the epoch; they follow one another without gaps."""
    end = _us(question.until)
    if question.at is not None:
        found = book.found(provider, models, tier, _us(question.at) * 1000, host)
        yield _us(question.since), end, found if isinstance(found, str) else found.tariff
        return
    at, began, held = question.since, _us(question.since), None
    while at < question.until:
        found = book.found(provider, models, tier, _us(at) * 1000, host)
        now = found if isinstance(found, str) else found.tariff
        if held is not None and now != held:
            yield began, _us(at), held
            began = _us(at)
        held = now
        varies = not isinstance(found, str) and found.varies_in_a_day
        step = _PART_OF_A_DAY if varies else _DAY
        whole = at.replace(hour=0, minute=0, second=0, microsecond=0)
        at = whole + ((at - whole) // step + 1) * step
    if held is not None:
        yield began, end, held


def _group(by: str) -> str:
    if by.startswith("metadata:"):
        return "metadata[{metadata_key:String}]"
    if by not in BY:
        raise CannotReprice(f"--by {by}: should be one of {', '.join(BY)}, or metadata:<key>")
    return BY[by]


def _metadata(question: Question) -> dict[str, str]:
    return {"metadata_key": question.by.partition(":")[2]} if ":" in question.by else {}


def _rows(settings: Settings, sql: str, question: Question, more: Mapping[str, str]) -> Iterator[list[Any]]:
    bound = {f"only_{name}": question.only.get(name, "") for name in ("model", "provider", "user")}
    bound |= {"since": str(_us(question.since)), "until": str(_us(question.until)), **more}
    answer = b"".join(client.run_query(settings, sql, "JSONCompactEachRow", bound))
    for line in answer.splitlines():
        yield json.loads(line, parse_float=Decimal)


def _money(value: object) -> Decimal | None:
    return None if value is None else Decimal(str(value))


def _us(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
