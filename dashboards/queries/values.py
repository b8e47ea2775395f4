"""Values for a question's parameters: what was given, the defaults for the rest, and times as ClickHouse reads them.

A time is `now`, `today`, `yesterday`, `month` (its first day), an age (`90m`, `24h`, `7d`, `2w`), or a date with or without a
time, UTC unless it names a zone: `2026-11-01`, `2026-11-01T08:30`, `2026-11-01T08:30:00+01:00`.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from dashboards.queries.header import Parameter

_AGE = re.compile(r"(\d+)\s*([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class WrongValue(Exception):
    """A parameter that there is not, or a value that cannot be; the message says what should be."""


def values(parameters: Sequence[Parameter], given: Mapping[str, str], now: datetime) -> dict[str, str]:
    """A value for every parameter, as text that ClickHouse can bind."""
    there = {each.name for each in parameters}
    for name in given:
        if name not in there:
            raise WrongValue(f"there is no parameter {name!r}; there are: {', '.join(sorted(there))}")
    return {each.name: _value(each, given.get(each.name, each.default), now) for each in parameters}


def moment(text: str, now: datetime) -> datetime:
    """The time that is meant. Raises WrongValue."""
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    names = {"now": now, "today": midnight, "yesterday": midnight - timedelta(days=1), "month": midnight.replace(day=1)}
    if text in names:
        return names[text]
    try:
        if age := _AGE.fullmatch(text):
            return now - timedelta(**{_UNITS[age[2]]: int(age[1])})
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        words = "an age such as 7d, 24h or 90m, a date, a date with a time, now, today, yesterday or month"
        raise WrongValue(f"{text!r} is no time: it should be {words}") from None


def _value(parameter: Parameter, text: str, now: datetime) -> str:
    if parameter.is_time:
        found = moment(text, now)
        # Up to now means the second that is going on too: ClickHouse compares whole seconds here.
        rounded = found + timedelta(seconds=1) if text == "now" else found
        return rounded.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
    if parameter.type != "String" and text == "":
        raise WrongValue(f"the parameter {parameter.name!r} needs a value: {parameter.meaning}")
    return text
