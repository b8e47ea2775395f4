"""What Grafana and its ClickHouse plugin make of a query before ClickHouse sees it: variables and macros filled in.

In the browser: `$__conditionalAll`, then variables with their formats. In the backend: the time macros. Written after the
plugin 4.20 (CHDatasource.applyConditionalAll, pkg/macros), with its limits: brackets and commas are counted, quotes are not,
and what is not known stays as it is, so that ClickHouse stumbles over it.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import quote

ALL = "$__all"
Value = str | tuple[str, ...]
_CONDITIONAL = "$__conditionalAll("
_VARIABLE = re.compile(r"\$\{(\w+)(?::(\w+))?\}|\[\[(\w+)(?::(\w+))?\]\]|\$(\w+)")


@dataclass(frozen=True)
class Shown:
    """What a board is showing: the time range, the step of its graphs, and what is chosen."""

    start: datetime
    end: datetime
    interval: timedelta = timedelta(minutes=1)
    chosen: Mapping[str, Value] = field(default_factory=dict)

    def fill(self, sql: str) -> str:
        """The query as it reaches ClickHouse."""
        return self.fill_macros(self.fill_variables(sql))

    def fill_variables(self, sql: str) -> str:
        """What the browser does."""
        return self._variables(self._conditionals(sql))

    def fill_macros(self, sql: str) -> str:
        """What the backend does: all that happens to an alert's query."""
        for name in sorted(_MACROS, key=len, reverse=True):
            sql = _macro(sql, name, _MACROS[name], self)
        return sql

    def _conditionals(self, sql: str) -> str:
        while (at := sql.rfind(_CONDITIONAL)) >= 0:
            inner = at + len(_CONDITIONAL)
            condition, variable, end = _two_arguments(sql, inner)
            name = re.search(r"\$\{?(\w+)", variable)
            assert name, f"$__conditionalAll without a variable: {sql[at:end]}"
            chosen = self.chosen[name[1]]
            everything = chosen in ("", ALL, (), (ALL,))
            sql = sql[:at] + ("1=1" if everything else condition) + sql[end:]
        return sql

    def _variables(self, sql: str) -> str:
        return _VARIABLE.sub(self._variable, sql)

    def _variable(self, found: re.Match[str]) -> str:
        name, form = found[1] or found[3] or found[5], found[2] or found[4] or "glob"
        if name not in self.chosen:
            return found[0]
        return _FORMATS[form](self.chosen[name])


def _two_arguments(sql: str, start: int) -> tuple[str, str, int]:
    """The macro's two arguments and the place behind its closing bracket."""
    depth, commas = 1, []
    for place in range(start, len(sql)):
        if sql[place] == "(":
            depth += 1
        elif sql[place] == ")":
            depth -= 1
        elif sql[place] == "," and depth == 1:
            commas.append(place)
        if depth == 0:
            assert len(commas) == 1, f"$__conditionalAll takes two arguments: {sql[start:place]}"
            return sql[start : commas[0]], sql[commas[0] + 1 : place], place + 1
    raise AssertionError(f"a bracket is missing: {sql[start:]}")


def _each(value: Value) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else value


_FORMATS: dict[str, Callable[[Value], str]] = {
    "singlequote": lambda value: ",".join("'" + each.replace("'", "\\'") + "'" for each in _each(value)),
    "sqlstring": lambda value: ",".join("'" + each.replace("'", "''") + "'" for each in _each(value)),
    "percentencode": lambda value: quote(",".join(_each(value)), safe=""),
    "glob": lambda value: value if isinstance(value, str) else "{" + ",".join(value) + "}",
}


def _macro(sql: str, name: str, expand: Callable[[Shown, str], str], shown: Shown) -> str:
    pattern = re.compile(r"\$__" + name + r"\b(?:\(([^()]*(?:\([^()]*\)[^()]*)*)\))?")
    return pattern.sub(lambda found: expand(shown, found[1] or ""), sql)


def _at(time: datetime) -> str:
    return f"toDateTime({int(time.timestamp())})"


def _at_ms(time: datetime) -> str:
    return f"fromUnixTimestamp64Milli({int(time.timestamp() * 1000)})"


def _seconds(shown: Shown) -> int:
    return max(int(shown.interval.total_seconds()), 1)


_MACROS: dict[str, Callable[[Shown, str], str]] = {
    "timeFilter": lambda shown, column: f"{column} >= {_at(shown.start)} AND {column} <= {_at(shown.end)}",
    "timeFilter_ms": lambda shown, column: f"{column} >= {_at_ms(shown.start)} AND {column} <= {_at_ms(shown.end)}",
    "fromTime": lambda shown, _: _at(shown.start),
    "toTime": lambda shown, _: _at(shown.end),
    "timeInterval": lambda shown, column: f"toStartOfInterval(toDateTime({column}), INTERVAL {_seconds(shown)} second)",
    "interval_s": lambda shown, _: str(_seconds(shown)),
}
