"""`tracer prices MODEL`: which price a call would be counted by, and where it is from; `--save` puts it into `llm.prices`."""

import sys
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

import orjson
import typer
from clickhouse_connect.driver.exceptions import ClickHouseError
from rich import box
from rich.console import Console
from rich.table import Table

from dashboards.queries.values import WrongValue, moment
from exporters.rows import PRICE_COLUMNS, PRICES
from tracer.config import Settings
from tracer.console import WRONG, ConfigFile, fail, load_settings
from tracer.records import Price
from tracer.reprice_command import load_book
from tracer.sink.rates import KINDS, TOKENS, Tariff
from tracer.store import client
from tracer.store.errors import StoreError

_PER = {"web_search": (1000, "thousand"), "request": (1, "call")}


def prices(
    model: Annotated[str, typer.Argument(help="A model as a call would name it.")],
    provider: Annotated[str, typer.Option("--provider", help="The provider's slug.", show_default="the model's maker")] = "",
    at: Annotated[str, typer.Option("--at", help="The price of that day.")] = "now",
    tier: Annotated[str, typer.Option("--tier", help="standard, flex, priority, batch, fast.", show_default="standard")] = "",
    prices_file: Annotated[
        Path | None, typer.Option("--prices", help="In the place of TRACER_PRICES.", show_default="TRACER_PRICES")
    ] = None,
    save: Annotated[bool, typer.Option("--save", help="Put it into llm.prices, for llm.what_if.")] = False,
    format: Annotated[Literal["", "table", "json"], typer.Option("--format", "-f", show_default="json in a pipe")] = "",
    config_file: ConfigFile = None,
) -> None:
    """Show what a model costs, by which source, from when on, and the ids of these prices."""
    settings = load_settings(config_file)
    book = load_book(settings, prices_file)
    seller = provider or book.maker(model)
    try:
        when = moment(at, datetime.now(UTC))
    except WrongValue as error:
        fail(error, WRONG)
    found = book.found(seller, (model,), tier.lower().replace("standard", ""), int(when.timestamp()) * 10**9)
    if isinstance(found, str):
        fail(f"no price: {found}" + ("" if seller else "; say --provider"))
    if (format or ("table" if sys.stdout.isatty() else "json")) == "json":
        typer.echo(orjson.dumps([_plain(each) for each in found.tariff], default=str, option=orjson.OPT_INDENT_2))
    else:
        _print(found.tariff, found.source)
    if save:
        _save(settings, found.tariff)
        typer.echo(f"tracer: {len(found.tariff)} rows are in {PRICES}", err=True)


def _print(tariff: Tariff, source: str) -> None:
    one = tariff[0]
    console = Console(highlight=False, markup=False)
    console.print(f"{one.provider} {one.model}" + (f", {one.service_tier}" if one.service_tier else ""))
    console.print(f"by {source}" + (f", valid from {one.valid_from}" if one.valid_from else ""))
    table = Table("US dollars for", "", *(_size(each) for each in tariff[::-1]), box=box.SIMPLE_HEAD)
    for kind in KINDS:
        rates = [getattr(each, f"{kind}_usd") for each in tariff[::-1]]
        if any(rates):
            count, unit = (10**6, "million tokens") if kind in TOKENS else _PER[kind]
            table.add_row(kind, unit, *("" if rate is None else _short(rate * count) for rate in rates))
    table.add_row("price_id", "", *(each.price_id for each in tariff[::-1]))
    console.print(table)


def _size(price: Price) -> str:
    return f"input above {price.above_input_tokens}" if price.above_input_tokens else "any input"


def _short(amount: Decimal) -> str:
    return f"{amount.normalize():f}"


def _plain(price: Price) -> dict[str, Any]:
    return {name: getattr(price, name) for name in PRICE_COLUMNS}


def _save(settings: Settings, tariff: Tariff) -> None:
    try:
        with client.connect(settings, write=True) as writer:
            rows = [[getattr(each, name) for name in PRICE_COLUMNS] for each in tariff]
            writer.insert(PRICES, rows, column_names=PRICE_COLUMNS, settings={"async_insert": 0})
    except ClickHouseError as error:
        fail(f"saving into {PRICES}: {error}")
    except StoreError as error:
        fail(error)
