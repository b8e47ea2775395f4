"""The stand-in for Grafana: what its plugin makes of a query."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.dashboards.grafana import ALL, Shown, Value

START, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
FROM, TO = "toDateTime(1767225600)", "toDateTime(1767312000)"


def fill(sql: str, **chosen: Value) -> str:
    return Shown(START, END, timedelta(seconds=90), chosen).fill(sql)


@pytest.mark.parametrize(
    ("sql", "filled"),
    [
        ("$__timeFilter(at)", f"at >= {FROM} AND at <= {TO}"),
        (
            "$__timeFilter_ms(at)",
            "at >= fromUnixTimestamp64Milli(1767225600000) AND at <= fromUnixTimestamp64Milli(1767312000000)",
        ),
        ("$__fromTime - $__toTime", f"{FROM} - {TO}"),
        ("$__timeInterval(at)", "toStartOfInterval(toDateTime(at), INTERVAL 90 second)"),
        ("$__timeInterval(max(at, to))", "toStartOfInterval(toDateTime(max(at, to)), INTERVAL 90 second)"),
        ("$__interval_s", "90"),
        ("$__nobody(1)", "$__nobody(1)"),
    ],
)
def test_macros(sql: str, filled: str) -> None:
    assert fill(sql) == filled


def test_a_condition_falls_away_while_everything_is_chosen() -> None:
    sql = "WHERE $__conditionalAll(a IN (${a:singlequote}), $a) AND $__conditionalAll(if(b, c, d) = ${b:sqlstring}, ${b})"
    assert fill(sql, a=(ALL,), b="") == "WHERE 1=1 AND 1=1"
    assert fill(sql, a=("x", "it's"), b="it's") == "WHERE a IN ('x','it\\'s') AND if(b, c, d) = 'it''s'"
    assert fill(sql, a=ALL, b="y") == "WHERE 1=1 AND if(b, c, d) = 'y'"


def test_the_plugins_limits_are_kept() -> None:
    with pytest.raises(AssertionError, match="two arguments"):
        fill("$__conditionalAll(a, b, $a)", a="")
    with pytest.raises(AssertionError, match="two arguments"):
        fill("$__conditionalAll(a = ')', $a)", a="")
    with pytest.raises(AssertionError, match="bracket"):
        fill("$__conditionalAll(a = 1, $a", a="")
    with pytest.raises(KeyError):
        fill("$__conditionalAll(a, $nobody)")


def test_unknown_variables_stay() -> None:
    assert fill("$nobody ${nobody:raw} $a", a="1") == "$nobody ${nobody:raw} 1"


def test_an_alert_has_macros_only() -> None:
    assert Shown(START, END, chosen={"a": "1"}).fill_macros("$a $__fromTime") == f"$a {FROM}"
