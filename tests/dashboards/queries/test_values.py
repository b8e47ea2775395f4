"""Times as people write them, and values for all parameters."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.queries.header import Parameter
from dashboards.queries.values import WrongValue, moment, values

NOW = datetime(2026, 11, 22, 13, 5, 9, 500_000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("now", NOW),
        ("today", datetime(2026, 11, 22, tzinfo=UTC)),
        ("yesterday", datetime(2026, 11, 21, tzinfo=UTC)),
        ("month", datetime(2026, 11, 1, tzinfo=UTC)),
        ("90m", NOW - timedelta(minutes=90)),
        ("24h", NOW - timedelta(days=1)),
        ("7d", NOW - timedelta(days=7)),
        ("2w", NOW - timedelta(weeks=2)),
        ("2026-11-01", datetime(2026, 11, 1, tzinfo=UTC)),
        ("2026-11-01 08:30", datetime(2026, 11, 1, 8, 30, tzinfo=UTC)),
        ("2026-11-01T08:30:00+01:00", datetime(2026, 11, 1, 7, 30, tzinfo=UTC)),
    ],
)
def test_times(text: str, meant: datetime) -> None:
    assert moment(text, NOW) == meant


@pytest.mark.parametrize("text", ["", "7", "d", "soon", "99999999999d", "2026-13-01", "-7d"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(WrongValue, match="should be"):
        moment(text, NOW)


def test_midnight_is_utcs_whatever_the_clock_of_now() -> None:
    there = NOW.astimezone(timezone(timedelta(hours=14)))
    assert moment("today", there) == moment("today", NOW)


@given(st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2100, 1, 1)))  # noqa: DTZ001 (naive: UTC is added)
def test_every_date_reads_back(when: datetime) -> None:
    assert moment(when.isoformat(), NOW) == when.replace(tzinfo=UTC)


PARAMETERS = (
    Parameter("since", "DateTime('UTC')", "7d", "From"),
    Parameter("until", "DateTime('UTC')", "now", "To"),
    Parameter("model", "String", "", "Model"),
    Parameter("limit", "UInt32", "20", "Rows"),
)


def test_defaults_stand_for_what_was_not_given() -> None:
    assert values(PARAMETERS, {"limit": "3", "since": "2026-11-20"}, NOW) == {
        "since": "2026-11-20 00:00:00",
        "until": "2026-11-22 13:05:10",  # the second that is going on is not over
        "model": "",
        "limit": "3",
    }


def test_what_is_wrong_is_named() -> None:
    with pytest.raises(WrongValue, match=r"no parameter 'modle'.*limit, model, since, until"):
        values(PARAMETERS, {"modle": "x"}, NOW)
    with pytest.raises(WrongValue, match="'limit' needs a value: Rows"):
        values(PARAMETERS, {"limit": ""}, NOW)
