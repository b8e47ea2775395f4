"""Panels and boards as values: what a panel answers, in which unit, from which SQL. drawing.py makes Grafana's JSON of them.

Rules, held by tests/dashboards
- Every panel has a description that says what is counted, a unit, and a text for when there is nothing to show.
- SQL over two lines is a file: `panels/<board>/<name>.sql`; the field `sql` then holds `<board>/<name>`.
- A series is named by the columns in `series`, or by the columns of numbers themselves.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from grafana_foundation_sdk.models import units

WIDTH = 24  # columns of Grafana's grid


class Unit(StrEnum):
    """Grafana's ids of the units in use."""

    COUNT = units.Short
    SHARE = units.PercentUnit
    DOLLARS = units.Dollars
    MILLISECONDS = units.Milliseconds
    MICROSECONDS = "µs"
    SECONDS = units.Seconds
    BYTES = units.BytesIEC
    PER_SECOND = units.CountsPerSecond
    TIME = units.DatetimeDefault
    TEXT = units.String
    NONE = units.NoUnit


class Kind(StrEnum):
    """What it looks like."""

    STAT = "stat"
    LINES = "lines"
    BARS = "bars"  # stacked
    SHARES = "shares"  # stacked to 100 %
    TABLE = "table"
    HEATMAP = "heatmap"
    TRACE = "trace"


@dataclass(frozen=True, slots=True)
class Link:
    """Where a click on a value leads."""

    title: str
    url: str


@dataclass(frozen=True, slots=True)
class Column:
    """How one column of a table, or one number of several, is shown. Colours: from that value on."""

    unit: Unit | None = None
    width: int = 0
    hidden: bool = False
    link: Link | None = None
    gauge: bool = False
    json: bool = False
    decimals: int | None = None
    colors: tuple[tuple[float, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Metric:
    """A query to Prometheus, and how its series are called."""

    expression: str
    legend: str
    instant: bool = False


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel: either `sql` or `metrics` is what it asks."""

    title: str
    description: str
    kind: Kind
    unit: Unit
    sql: str = ""
    metrics: tuple[Metric, ...] = ()
    series: tuple[str, ...] = ()
    columns: Mapping[str, Column] = field(default_factory=dict)
    colors: tuple[tuple[float, str], ...] = ()
    no_value: str = "No calls in this time range, or none that the filters let through."
    width: int = 12
    height: int = 8
    interval: str = "1m"  # the shortest that a point stands for
    most: float | None = None  # upper end of the axis


@dataclass(frozen=True, slots=True)
class Row:
    """A heading and what is under it, from left to right."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Annotation:
    """Marks on the time axis; the SQL gives time, title and text."""

    name: str
    sql: str
    color: str


@dataclass(frozen=True, slots=True)
class Board:
    """One board. `variables` are names of variables.py, in their order; `ds` is always first."""

    uid: str
    title: str
    description: str
    rows: tuple[Row, ...]
    variables: tuple[str, ...]
    since: str = "now-24h"
    refresh: str = "1m"
    annotations: tuple[Annotation, ...] = ()

    @property
    def panels(self) -> tuple[Panel, ...]:
        """All of them, in their order."""
        return tuple(panel for row in self.rows for panel in row.panels)
