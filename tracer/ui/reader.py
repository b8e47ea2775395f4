"""Questions from pages to ClickHouse: tracer/store/asking.py with the pages' limits.

Pages ask by `rows`, with Tracer's own SQL. The console asks by `answer`, with SQL that a person typed, and gets ClickHouse's
own words back.
"""

from collections.abc import Mapping

from tracer.config import Settings
from tracer.store.asking import Asking, Manner, Row, TookTooLong

LIMIT_SECONDS = 15.0
_THREADS = 8
_GRACE_SECONDS = 3.0
_TIMES_WITH_ZONE = {"date_time_output_format": "iso"}


class Reader(Asking):
    """The pages' way to ask, within `limit_s`; `how` are settings of ClickHouse's for each question."""

    def __init__(self, settings: Settings, limit_s: float = LIMIT_SECONDS, how: Mapping[str, str] = {}) -> None:
        super().__init__(settings, Manner(_THREADS, limit_s, _GRACE_SECONDS, {**_TIMES_WITH_ZONE, **how}))


__all__ = ["LIMIT_SECONDS", "Reader", "Row", "TookTooLong"]
