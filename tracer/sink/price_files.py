"""The user's price file, read: TOML with `[[price]]` entries, or CSV with one line for each (docs/prices.md has both in full).

    [[price]]                            provider,model,service_tier,valid_from,above,input,cache_read,output
    provider = "openai"                  openai,gpt-4o*,,2026-07-01,,2.50,1.25,10
    model = "gpt-4o*"                    openai,gpt-4o*,,2026-07-01,200000,5,2.50,20
    valid_from = 2026-07-01
    input = "2.50"
    output = 10

Prices are US dollars for a million tokens, `web_searches` for a thousand, `request` for one call; numbers are read exactly,
never through a float. A kind of token without a price costs what `input` (or `output`) costs; cached audio what `cache_read`,
`cache_write_1h` what `cache_write` costs. `above` makes an entry that of calls with more input than that.

A wrong file stops the start: the message names the line, the entry and the key or the column.
"""

import csv
import difflib
import hashlib
import io
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from tracer.sink.rates import MOST
from tracer.sink.tiers import served
from tracer.sink.user_prices import Entry, UserPrices

_RATES = {
    "input": "uncached_input",
    "cache_read": "cache_read",
    "cached_audio": "cached_audio",
    "cache_write": "cache_write",
    "cache_write_1h": "cache_write_1h",
    "audio_input": "audio_input",
    "image_input": "image_input",
    "output": "text_output",
    "image_output": "image_output",
    "reasoning": "reasoning",
    "audio_output": "audio_output",
    "web_searches": "web_search",
    "request": "request",
}
_SELECTORS = ("provider", "model", "service_tier")
_KEYS = (*_SELECTORS, "valid_from", "above", "currency", *_RATES)
_HEADER = re.compile(r"\s*\[\[\s*price\s*\]\]")
_YEARS = (1970, 2149)  # of the column's type

# Says where a key of an entry stands, or the entry itself for "".
Where = Callable[[str], str]


class PriceError(Exception):
    """The price file cannot be used; the message names the line, the entry and the key."""


def read_prices(path: Path) -> UserPrices:
    """The prices in the file at `path`, CSV if it is named so; raises PriceError."""
    try:
        data = path.read_bytes()
        text = data.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise PriceError(f"{path}: cannot read the prices: {error}") from None
    raw = _csv(text, path) if path.suffix.lower() == ".csv" else _toml(text, path)
    entries: dict[tuple[object, ...], tuple[Entry, Where]] = {}
    for values, where in raw:
        entry = _entry(values, where)
        key = (entry.provider, entry.model, entry.service_tier, entry.valid_from, entry.above)
        if key in entries:
            raise PriceError(f"{where('')}: the same price stands there twice")
        entries[key] = entry, where
    for (*group, _), (_, where) in entries.items():
        if (*group, 0) not in entries:
            raise PriceError(f"{where('above')} has no price beside it for calls with less input: an entry without `above`")
    return UserPrices(tuple(entry for entry, _ in entries.values()), hashlib.sha256(data).hexdigest()[:12])


def _toml(text: str, path: Path) -> Iterator[tuple[Mapping[str, Any], Where]]:
    try:
        document = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise PriceError(f"{path}: cannot read the prices: {error}") from None
    listed = document.pop("price", [])
    if document:
        raise PriceError(f"{path}: unknown key `{next(iter(document))}`; prices are [[price]] entries")
    if not isinstance(listed, list) or not all(isinstance(entry, dict) for entry in listed):
        raise PriceError(f"{path}: `price` should be written as [[price]] entries")
    lines = text.splitlines()
    starts = [number for number, line in enumerate(lines) if _HEADER.match(line)]
    for number, entry in enumerate(listed, 1):
        name = f" ({entry['model']})" if isinstance(entry.get("model"), str) else ""
        start = starts[number - 1] if len(starts) == len(listed) else None
        end = starts[number] if start is not None and number < len(starts) else len(lines)
        yield entry, _in_toml(f"[[price]] number {number}{name}", path, lines, start, end)


def _in_toml(entry: str, path: Path, lines: list[str], start: int | None, end: int) -> Where:
    def where(key: str) -> str:
        named = f"{entry}: `{key}`" if key else entry
        if start is None:
            return f"{path}: {named}"
        stands = re.compile(rf"\s*(?P<key>[\"']?{re.escape(key)}[\"']?)\s*=")
        for number in range(start, end):
            if key and (found := stands.match(lines[number])):
                return f"{path}: line {number + 1}, column {found.start('key') + 1}: {named}"
        return f"{path}: line {start + 1}: {named}"

    return where


def _csv(text: str, path: Path) -> Iterator[tuple[Mapping[str, Any], Where]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, skipinitialspace=True)
    try:
        head = [name.strip().lower() for name in next(reader, [])]
        for place, name in enumerate(head, 1):
            if name not in _KEYS or name in head[: place - 1]:
                wrong = "stands there twice" if name in _KEYS else f"is unknown{_hint(name)}"
                raise PriceError(f"{path}: line 1, column {place}: `{name}` {wrong}")
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            where = _in_csv(path, reader.line_num, head)
            if len(cells) > len(head):
                raise PriceError(f"{path}: line {reader.line_num}, column {len(head) + 1}: more cells than the first line has")
            yield {name: cell.strip() for name, cell in zip(head, cells, strict=False) if cell.strip()}, where
    except csv.Error as error:
        raise PriceError(f"{path}: line {reader.line_num}: cannot read the prices: {error}") from None


def _in_csv(path: Path, line: int, head: list[str]) -> Where:
    def where(key: str) -> str:
        column = f", column {head.index(key) + 1}" if key in head else ""
        return f"{path}: line {line}{column}{f': `{key}`' if key else ''}"

    return where


def _entry(raw: Mapping[str, Any], where: Where) -> Entry:
    for key in raw:
        if key not in _KEYS:
            raise PriceError(f"{where('')}: unknown key `{key}`{_hint(key)}")
    for key in _SELECTORS:
        if key in raw and not (isinstance(raw[key], str) and raw[key]):
            raise PriceError(f"{where(key)} should be a non-empty string, not {raw[key]!r}")
    for key in ("model", "input"):
        if key not in raw:
            raise PriceError(f"{where(key)} is missing")
    if str(raw.get("currency", "USD")).upper() != "USD":
        raise PriceError(f"{where('currency')} should be USD: prices are in US dollars, not {raw['currency']!r}")
    tier = raw.get("service_tier", "")
    return Entry(
        provider=raw.get("provider", "*").lower(),
        model=raw["model"].lower(),
        service_tier=(served(tier, {}) or "standard") if tier else "",
        valid_from=_day(raw["valid_from"], where) if "valid_from" in raw else None,
        above=_above(raw["above"], where) if "above" in raw else 0,
        given={_RATES[key]: _price(raw[key], where, key) for key in raw if key in _RATES},
    )


def _day(value: object, where: Where) -> date:
    if isinstance(value, str):
        with suppress(ValueError):
            value = date.fromisoformat(value)
    if isinstance(value, date) and not isinstance(value, datetime) and _YEARS[0] <= value.year < _YEARS[1]:
        return value
    raise PriceError(f"{where('valid_from')} should be a day such as 2026-07-01, not {value}")


def _above(value: object, where: Where) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 1 << 32:
        return value
    raise PriceError(f"{where('above')} should be a number of input tokens such as 200000, not {value!r}")


def _price(value: object, where: Where, key: str) -> Decimal:
    try:
        price = Decimal(value) if isinstance(value, str | int | Decimal) and not isinstance(value, bool) else None
    except InvalidOperation:
        price = None
    if price is None or not price.is_finite() or not 0 <= price <= MOST:
        raise PriceError(f'{where(key)} should be US dollars, such as "2.50", not {value!r}')
    return price


def _hint(key: str) -> str:
    close = difflib.get_close_matches(key, _KEYS, n=1)
    return f"; did you mean `{close[0]}`?" if close else ""
