"""The user's own prices: a TOML file of `[[price]]` entries that win over every other source.

    [[price]]
    provider = "openai"          # optional glob of provider slugs; without it any provider
    model = "gpt-4o*"            # glob of model names, the reply's or the request's, in any case
    service_tier = "priority"    # optional: only for replies served in this tier
    valid_from = 2026-07-01      # optional: first day (UTC) of this price
    input = "2.50"               # US dollars per million tokens, as strings or numbers; read exactly, never through a float
    cache_read = 1.25
    output = 10

Kinds of token: input, cache_read, cached_audio, cache_write, audio_input, image_input; output, reasoning, audio_output. One
without a price costs what input (or output) costs. `request` is a fee in dollars per call.

The first entry in the file that fits wins, so special ones stand first. Entries for the same provider, model and tier are one
price over time: of those the newest that was valid at the call's start is taken.
"""

import difflib
import tomllib
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from msgspec import Struct

from tracer.sink.rates import Rates, Tariff, fill

_RATES = {
    "input": "uncached_input",
    "cache_read": "cache_read",
    "cached_audio": "cached_audio",
    "cache_write": "cache_write",
    "audio_input": "audio_input",
    "image_input": "image_input",
    "output": "text_output",
    "reasoning": "reasoning",
    "audio_output": "audio_output",
    "request": "request",
}
_SELECTORS = ("provider", "model", "service_tier")
_KEYS = (*_SELECTORS, "valid_from", *_RATES)
_DAY_NS = 86_400 * 10**9
_MOST_KEPT = 20_000
_NOT_KEPT: Tariff = ()


class PriceError(Exception):
    """The price file cannot be used; the message names the entry and the key."""


class Entry(Struct, frozen=True):
    """One `[[price]]`."""

    provider: str
    model: str
    service_tier: str
    valid_from: date
    rates: Rates

    def fits(self, provider: str, models: tuple[str, ...], service_tier: str) -> bool:
        """Whether this entry is about such a call, at any time."""
        return (
            self.service_tier in ("", service_tier)
            and fnmatchcase(provider, self.provider)
            and any(fnmatchcase(model.lower(), self.model) for model in models)
        )


class UserPrices:
    """The entries of one file; which of them fits a call is looked up once a day for each model."""

    def __init__(self, entries: tuple[Entry, ...] = ()) -> None:
        self._groups: dict[tuple[str, str, str], list[Entry]] = {}
        for entry in entries:
            self._groups.setdefault((entry.provider, entry.model, entry.service_tier), []).append(entry)
        self._kept: dict[tuple[str, tuple[str, ...], str, int], Tariff | None] = {}

    def tariff(self, provider: str, models: tuple[str, ...], service_tier: str, at_ns: int) -> Tariff | None:
        """The user's price of a call that started then (ns since the epoch), if there is one."""
        if not self._groups:
            return None
        key = (provider, models, service_tier, at_ns // _DAY_NS)
        kept = self._kept.get(key, _NOT_KEPT)
        if kept is not _NOT_KEPT:
            return kept
        if len(self._kept) >= _MOST_KEPT:
            self._kept.clear()
        found = self._kept[key] = self._look_up(provider, models, service_tier, at_ns)
        return found

    def _look_up(self, provider: str, models: tuple[str, ...], service_tier: str, at_ns: int) -> Tariff | None:
        today = datetime.fromtimestamp(at_ns // 10**9, UTC).date()
        for group in self._groups.values():
            if group[0].fits(provider, models, service_tier):
                valid = [entry for entry in group if entry.valid_from <= today]
                if valid:
                    return ((-1, max(valid, key=lambda entry: entry.valid_from).rates),)
        return None


def read_prices(path: Path) -> UserPrices:
    """The prices in the file at `path`; raises PriceError."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise PriceError(f"{path}: cannot read the prices: {error}") from None
    listed = document.pop("price", [])
    if document:
        raise PriceError(f"{path}: unknown key `{next(iter(document))}`; prices are [[price]] entries")
    if not isinstance(listed, list) or not all(isinstance(entry, dict) for entry in listed):
        raise PriceError(f"{path}: `price` should be written as [[price]] entries")
    return UserPrices(tuple(_entry(entry, f"{path}: [[price]] number {i}") for i, entry in enumerate(listed, 1)))


def _entry(raw: dict[str, Any], where: str) -> Entry:
    where += f" ({raw['model']})" if isinstance(raw.get("model"), str) else ""
    for key in raw:
        if key not in _KEYS:
            close = difflib.get_close_matches(key, _KEYS, n=1)
            raise PriceError(f"{where}: unknown key `{key}`" + (f"; did you mean `{close[0]}`?" if close else ""))
    for key in _SELECTORS:
        if key in raw and not (isinstance(raw[key], str) and raw[key]):
            raise PriceError(f"{where}: `{key}` should be a non-empty string, not {raw[key]!r}")
    for key in ("model", "input"):
        if key not in raw:
            raise PriceError(f"{where}: `{key}` is missing")
    return Entry(
        provider=raw.get("provider", "*"),
        model=raw["model"].lower(),
        service_tier=raw.get("service_tier", ""),
        valid_from=_day(raw.get("valid_from", date.min), where),
        rates=fill({_RATES[key]: _price(raw[key], f"{where}: `{key}`") for key in raw if key in _RATES}),
    )


def _day(value: object, where: str) -> date:
    if isinstance(value, str):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    elif isinstance(value, date) and not isinstance(value, datetime):
        return value
    raise PriceError(f"{where}: `valid_from` should be a day such as 2026-07-01, not {value}")


def _price(value: object, where: str) -> Decimal:
    try:
        price = Decimal(value) if isinstance(value, str | int | Decimal) and not isinstance(value, bool) else None
    except InvalidOperation:
        price = None
    if price is None or not price.is_finite() or price < 0:
        raise PriceError(f'{where} should be US dollars, such as "2.50", not {value!r}')
    return price
