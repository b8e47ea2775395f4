"""`tracer reprice`: what the calls of some time would have cost by other prices. Counting is reprice.py's."""

import sys
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

import orjson
import typer
from rich import box
from rich.console import Console
from rich.table import Table

from dashboards.queries.values import WrongValue, moment
from tracer.config import Settings
from tracer.console import WRONG, ConfigFile, fail, load_settings
from tracer.reprice import Answer, CannotReprice, Question, Sum
from tracer.reprice import reprice as count
from tracer.sink import price
from tracer.store.errors import StoreError

_COLUMNS = ("calls", "cost_usd", "unknown", "what_if_usd", "unpriced", "difference_usd", "difference_percent", "lacking")
# On a terminal. `unknown`: calls whose own cost is unknown; `unpriced`: those whose other price is.
_HEADS = {"cost_usd": "cost", "what_if_usd": "what if", "difference_usd": "difference", "difference_percent": "%"}
_LEAST_WIDTH = 110


def reprice(
    model: Annotated[
        str, typer.Option("--model", help="As if this model had been called.", show_default="the call's own")
    ] = "",
    provider: Annotated[
        str,
        typer.Option("--provider", help="As if this provider had been.", show_default="the model's maker, or the call's own"),
    ] = "",
    prices: Annotated[
        Path | None,
        typer.Option("--prices", help="By this price file, in the place of TRACER_PRICES.", show_default="TRACER_PRICES"),
    ] = None,
    at: Annotated[str, typer.Option("--at", help="By the prices of that day.", show_default="the call's own")] = "",
    tier: Annotated[
        str | None,
        typer.Option("--tier", help="As if served so: standard, flex, priority, batch.", show_default="the call's own"),
    ] = None,
    since: Annotated[str, typer.Option("--since", "--from", help="Calls from then on: an age (7d, 24h), a date.")] = "7d",
    until: Annotated[str, typer.Option("--until", "--to", help="Up to then.")] = "now",
    by: Annotated[
        str,
        typer.Option(
            "--by", help="model, answered_by, provider, user, session, key, prompt, tier, day, month, all, metadata:<key>."
        ),
    ] = "model",
    only_model: Annotated[str, typer.Option("--only-model", help="Only calls of this model.")] = "",
    only_provider: Annotated[str, typer.Option("--only-provider", help="Only calls to this provider.")] = "",
    only_user: Annotated[str, typer.Option("--only-user", help="Only calls of this user.")] = "",
    format: Annotated[Literal["", "table", "tsv", "json"], typer.Option("--format", "-f", show_default="tsv in a pipe")] = "",
    config_file: ConfigFile = None,
) -> None:
    """Tell what calls would have cost on another model or by other prices. Nothing stored is changed."""
    settings, now = load_settings(config_file), datetime.now(UTC)
    question = Question(
        since=_moment(since, now),
        until=_moment(until, now),
        by=by,
        model=model,
        provider=provider,
        tier=None if tier is None else tier.lower().replace("standard", ""),
        at=_moment(at, now) if at else None,
        only={"model": only_model, "provider": only_provider, "user": only_user},
    )
    try:
        answer = count(settings, load_book(settings, prices), question)
    except CannotReprice as error:
        fail(error, WRONG)
    except StoreError as error:
        fail(error)
    _print(answer, by, format or ("table" if sys.stdout.isatty() else "tsv"))
    for reason, calls in sorted(answer.reasons.items(), key=lambda item: -item[1]):
        typer.echo(f"tracer: no other price for {calls} calls: {reason}", err=True)


def load_book(settings: Settings, prices: Path | None) -> price.PriceBook:
    """The price book of the settings, with another table of the user's if one is named."""
    try:
        return price.load(prices or settings.prices, settings.litellm_prices)
    except price.PriceError as error:
        fail(error, WRONG)


def _moment(text: str, now: datetime) -> datetime:
    try:
        return moment(text, now)
    except WrongValue as error:
        fail(error, WRONG)


def _print(answer: Answer, by: str, format: str) -> None:
    total = Sum()
    for each in answer.groups.values():
        total.add(each)
    if format == "json":
        rows = [_row(by, name, each) for name, each in answer.groups.items()]
        typer.echo(orjson.dumps({"groups": rows, "total": _row(by, "", total)}, default=str, option=orjson.OPT_INDENT_2))
        return
    if format == "tsv":
        typer.echo("\t".join((by, *_COLUMNS)))
        for name, each in answer.groups.items():
            typer.echo("\t".join(_text(value) for value in _row(by, name, each).values()))
        return
    table = Table(by, *(_HEADS.get(name, name) for name in _COLUMNS), box=box.SIMPLE_HEAD, show_footer=True)
    for name, each in answer.groups.items():
        table.add_row(*(_cell(value) for value in _row(by, name, each).values()))
    for column, value in zip(table.columns, _row(by, "all", total).values(), strict=True):
        column.footer = _cell(value)
        column.justify = "left" if column.header in (by, "lacking") else "right"
    console = Console(highlight=False, markup=False)
    wide = console if console.width >= _LEAST_WIDTH else Console(highlight=False, markup=False, width=_LEAST_WIDTH)
    wide.print(table)


def _row(by: str, name: str, each: Sum) -> dict[str, Any]:
    return {
        by: name,
        "calls": each.calls,
        "cost_usd": each.cost_usd,
        "unknown": each.unknown,
        "what_if_usd": each.what_if_usd,
        "unpriced": each.unpriced,
        "difference_usd": each.difference_usd,
        "difference_percent": _percent(each),
        "lacking": " ".join(sorted(each.lacking)),
    }


def _percent(each: Sum) -> float | None:
    if not each.compared_usd or each.difference_usd is None:
        return None
    return float(round(each.difference_usd / each.compared_usd * 100, 1))


def _text(value: object) -> str:
    if isinstance(value, Decimal):
        return f"{value:f}"
    return "" if value is None else str(value).replace("\t", " ").replace("\n", " ")


def _cell(value: object) -> str:
    return f"{value:.6f}" if isinstance(value, Decimal) else _text(value)
