"""The user's own prices: which entry of their table fits a call. price_files.py reads the table, and says what may stand in it.

The first entry in the file that fits wins, so special ones stand first. Entries for the same provider, model and tier are one
price over time: of those the newest that was valid at the call's start is taken. Entries that differ by `above` only are
one price by the size of the input.
"""

from datetime import UTC, date, datetime
from fnmatch import fnmatchcase

from msgspec import Struct

from tracer.sink.rates import Given, Listed, Tariff, tariff

NAME = "user"


class Entry(Struct, frozen=True, kw_only=True):
    """One `[[price]]`, or one line of a CSV file. `given` is in dollars per million tokens."""

    provider: str = "*"
    model: str
    service_tier: str = ""
    valid_from: date | None = None
    above: int = 0
    given: Given

    def fits(self, provider: str, models: tuple[str, ...], service_tier: str) -> bool:
        """Whether this entry is about such a call, at any time."""
        return (
            self.service_tier in ("", service_tier or "standard")
            and fnmatchcase(provider, self.provider)
            and any(fnmatchcase(model.lower(), self.model) for model in models)
        )


class _Dated(Struct, frozen=True):
    """A price and the day from which on it holds."""

    valid_from: date
    tariff: Tariff


class UserPrices:
    """The entries of one file."""

    def __init__(self, entries: tuple[Entry, ...] = (), version: str = "") -> None:
        steps: dict[tuple[str, str, str], dict[date | None, list[Entry]]] = {}
        for entry in entries:
            days = steps.setdefault((entry.provider, entry.model, entry.service_tier), {})
            days.setdefault(entry.valid_from, []).append(entry)
        # An entry of each group to ask whether it fits, and the group's prices, newest first.
        self._groups = tuple(
            (next(iter(days.values()))[0], tuple(sorted((_dated(each, version) for each in days.values()), key=_newest)))
            for days in steps.values()
        )

    def __bool__(self) -> bool:
        return bool(self._groups)

    def tariff(self, provider: str, models: tuple[str, ...], service_tier: str, at_ns: int) -> Tariff | None:
        """The user's price of a call that started then (ns since the epoch), if there is one."""
        if not self._groups:
            return None
        today = datetime.fromtimestamp(at_ns // 10**9, UTC).date()
        for one, dated in self._groups:
            if one.fits(provider, models, service_tier):
                for each in dated:
                    if each.valid_from <= today:
                        return each.tariff
        return None

    def tariffs(self) -> tuple[Tariff, ...]:
        """All of them, in the order of the file."""
        return tuple(each.tariff for _, dated in self._groups for each in dated)


def _newest(dated: _Dated) -> int:
    return -dated.valid_from.toordinal()


def _dated(entries: list[Entry], version: str) -> _Dated:
    one = entries[0]
    listed = Listed(
        source=NAME,
        source_version=version,
        provider=one.provider,
        model=one.model,
        service_tier=one.service_tier,
        valid_from=one.valid_from,
    )
    return _Dated(one.valid_from or date.min, tariff(listed, [(entry.above, entry.given) for entry in entries]))
