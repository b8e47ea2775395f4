"""How figures read on a page: money, tokens, durations, bytes, shares, times. Templates use these as filters.

Rules: unknown (None, NaN) is `–`, never 0. Three significant digits are enough for the eye; tables that must be exact put the
full value into a title. Times are UTC throughout, which the foot of each page says.
"""

import math
import re
from datetime import UTC, datetime
from decimal import Decimal

from markupsafe import Markup

UNKNOWN = "–"
Number = int | float | Decimal


def money(usd: Number | None) -> str:
    """US dollars: $0, <$0.000001, $0.00123, $0.12, $12.30, $1,234."""
    value = _known(usd)
    if value is None:
        return UNKNOWN
    sign, value = ("-" if value < 0 else ""), abs(value)
    if value == 0:
        return "$0"
    if value < 1e-6:
        return f"{sign}<$0.000001"
    if value >= 999.995:
        return f"{sign}${value:,.0f}"
    if value >= 0.1:
        return f"{sign}${value:.2f}"
    digits = 2 - math.floor(math.log10(value))
    return f"{sign}${value:.{digits}f}"


def cost(usd: Number | None) -> str:
    """US dollars for a column: five decimals, so that the points stand above each other; $0.01180, $1,234.56789."""
    value = _known(usd)
    if value is None:
        return UNKNOWN
    if value == 0:
        return "$0"
    sign, value = ("-" if value < 0 else ""), abs(value)
    return f"{sign}<$0.00001" if value < 0.000005 else f"{sign}${value:,.5f}"


def count(number: Number | None) -> str:
    """A whole number with thousands apart: 1,234,567."""
    value = _known(number)
    return UNKNOWN if value is None else f"{value:,.0f}"


def short(number: Number | None) -> str:
    """A number for a tile or a column: 999, 1.20k, 34.5k, 567M."""
    value = _known(number)
    if value is None:
        return UNKNOWN
    for size, unit in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size * 0.9995:
            return f"{_digits(value / size)}{unit}"
    return _three(value)


def duration(ms: Number | None) -> str:
    """Milliseconds as people say them: 0.4 ms, 412 ms, 1.24 s, 2 m 03 s, 1 h 05 m."""
    value = _known(ms)
    if value is None:
        return UNKNOWN
    if value < 999.5:
        return f"{_digits(value)} ms"
    seconds = value / 1000
    if seconds < 59.95:
        return f"{_digits(seconds)} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} m {rest:02d} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} m"


def size(number: Number | None) -> str:
    """Bytes: 12 B, 3.4 kB, 5.6 MB."""
    value = _known(number)
    if value is None:
        return UNKNOWN
    for unit_size, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if value >= unit_size:
            return f"{_three(value / unit_size)} {unit}"
    return f"{value:.0f} B"


def percent(share: Number | None) -> str:
    """A share of 1: 0 %, 0.04 %, 3.1 %, 99.98 %, 100 %."""
    value = _known(share)
    if value is None:
        return UNKNOWN
    value *= 100
    if 0 < value < 0.01:
        return "<0.01 %"
    if value in (0, 100):
        return f"{value:.0f} %"
    # 99.98 % must not read as all.
    return f"{value:.2f} %" if value < 0.1 or value > 99.9 else f"{value:.1f} %"


def moment(text: str | datetime | None, form: str = "time") -> Markup:
    """A time as a `<time>`: `time` 13:04:05, `date` 22 Nov 13:04:05, `day` 22 Nov 2026, `full` 2026-11-22 13:04:05.123 UTC."""
    when = parse_time(text)
    if when is None:
        return Markup(UNKNOWN)
    full = when.strftime("%Y-%m-%d %H:%M:%S.") + f"{when.microsecond // 1000:03d} UTC"
    forms = {
        "time": f"{when:%H:%M:%S}",
        "date": f"{when.day} {when:%b %H:%M:%S}",
        "day": f"{when.day} {when:%b %Y}",
        "full": full,
    }
    shown = forms[form]
    return Markup('<time datetime="{}" title="{}">{}</time>').format(when.isoformat(), full, shown)


def parse_time(text: str | datetime | None) -> datetime | None:
    """A time of ClickHouse's (ISO or with a blank), in UTC; None if it is none."""
    if isinstance(text, str):
        try:
            text = datetime.fromisoformat(text)
        except ValueError:
            return None
    if text is None:
        return None
    return text.replace(tzinfo=UTC) if text.tzinfo is None else text.astimezone(UTC)


FILTERS = {
    "money": money,
    "cost": cost,
    "count": count,
    "short": short,
    "duration": duration,
    "size": size,
    "percent": percent,
    "moment": moment,
}


def _known(number: Number | None) -> float | None:
    if number is None or not math.isfinite(number):
        return None
    return float(number)


def trimmed(text: str) -> str:
    """A figure without zeros that say nothing, for an axis: $4.00 is $4, 2.50 s is 2.5 s."""
    return re.sub(r"(\.\d*?)0+(?=\D|$)", lambda found: "" if found[1] == "." else found[1], text)


def _digits(value: float) -> str:
    """Three significant digits."""
    magnitude = abs(value)
    return f"{value:.{0 if magnitude >= 99.95 or magnitude == 0 else 1 if magnitude >= 9.995 else 2}f}"


def _three(value: float) -> str:
    return trimmed(_digits(value))
