"""The time range that a page shows, as it stands in its URL: `?since=24h`, or `?from=…&to=…` in UTC.

`since` moves with the clock, `from` and `to` stay: a link to an incident shows the incident tomorrow too. What cannot be read
is the default: a page with a wrong range is of more use than none.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

DEFAULT = "24h"
# What the picker offers.
SINCES = {
    "15m": "15 min",
    "1h": "1 hour",
    "6h": "6 hours",
    "24h": "24 hours",
    "7d": "7 days",
    "30d": "30 days",
    "90d": "90 days",
}
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
_SINCE = re.compile(r"(\d{1,5})([mhd])")
_WIDTHS_S = (10, 30, 60, 300, 900, 1800, 3600, 3 * 3600, 6 * 3600, 86400, 7 * 86400)
_MOST_BUCKETS = 92
_LONG, _LONGER = timedelta(days=3), timedelta(days=20)


@dataclass(frozen=True, slots=True)
class TimeRange:
    """From `start` until `end`, both in UTC. `since` is "" where the URL says both ends."""

    start: datetime
    end: datetime
    since: str

    @property
    def seconds(self) -> float:
        return (self.end - self.start).total_seconds()

    @property
    def bucket_s(self) -> int:
        """The width of a chart's bucket."""
        return next((width for width in _WIDTHS_S if self.seconds <= width * _MOST_BUCKETS), _WIDTHS_S[-1])

    @property
    def is_hourly(self) -> bool:
        """Whether sums by the hour tell all of it."""
        return self.bucket_s % 3600 == 0 and (self.start.minute, self.start.second, self.start.microsecond) == (0, 0, 0)

    @property
    def is_by_minute(self) -> bool:
        """Whether sums by the minute tell all of it."""
        return self.bucket_s % 60 == 0 and (self.start.second, self.start.microsecond) == (0, 0)

    @property
    def before(self) -> "TimeRange":
        """As long a time right before this one. Where sums answer, it begins and ends with a whole hour or minute of theirs."""
        unit = timedelta(hours=1) if self.is_hourly else timedelta(minutes=1)
        shift = -((self.start - self.end) // unit) * unit
        start = self.start - shift
        length = self.end - self.start
        if self.is_hourly or self.is_by_minute:
            length = max(round(length / unit), 1) * unit
        return TimeRange(start, start + length, "")

    @property
    def values(self) -> dict[str, str]:
        """Parameters of a query: `{since:DateTime64(6, 'UTC')}` and `{until:DateTime64(6, 'UTC')}`."""
        return {"since": _for_clickhouse(self.start), "until": _for_clickhouse(self.end)}

    @property
    def query(self) -> dict[str, str]:
        """What stands in a URL that shows the same."""
        if self.since:
            return {"since": self.since}
        return {"from": self.start.isoformat().replace("+00:00", "Z"), "to": self.end.isoformat().replace("+00:00", "Z")}

    @property
    def label(self) -> str:
        if self.since:
            return f"last {SINCES.get(self.since, self.since)}"
        return f"{self.start:%Y-%m-%d %H:%M} – {self.end:%Y-%m-%d %H:%M} UTC"


def time_range(query: Mapping[str, str], now: datetime, default: str = DEFAULT) -> TimeRange:
    """The range that a URL asks for."""
    start, end = _time(query.get("from", "")), _time(query.get("to", ""))
    if start and (end is None or start < end):
        return TimeRange(start, end or now, "")
    since = query.get("since", "")
    length = _length(since)
    if length is None:
        since, length = default, _length(default)
    assert length is not None
    # Whole minutes, hours or days, so that sums of them and single calls say the same, and no first day is cut.
    start = (now - length).replace(second=0, microsecond=0)
    if length >= _LONG:
        start = start.replace(minute=0, hour=0 if length >= _LONGER else start.hour)
    return TimeRange(start, now, since)


def _length(since: str) -> timedelta | None:
    match = _SINCE.fullmatch(since)
    if match is None or not int(match[1]):
        return None
    length = timedelta(**{_UNITS[match[2]]: int(match[1])})
    return length if length <= timedelta(days=3660) else None


def _time(text: str) -> datetime | None:
    try:
        when = datetime.fromisoformat(text.strip().replace(" ", "T"))
        when = when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return when if 1971 <= when.year < 2200 else None  # what the column can hold


def _for_clickhouse(when: datetime) -> str:
    return when.strftime("%Y-%m-%d %H:%M:%S.%f")


def parse_exact(text: str) -> str | None:
    """A time of a URL in the form that a query's parameter has; None if it is none."""
    when = _time(text)
    return _for_clickhouse(when) if when else None
