"""Panels as Grafana's: each kind as the SDK builds it, with what they all have in common.

Notes
- `noValue` is both the sentence in an empty panel and what an empty cell shows; the second is overridden to a dash.
- Without thresholds of its own a panel has Grafana's: red from 80 on, whatever is counted.
- A series that stands for a label is named by `displayName`, else Grafana puts the number's name before it.
- A heat map's SQL gives one column of counts for each bucket, smallest first: a long result would be sorted by name.
"""

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from grafana_foundation_sdk.builders import (
    common,
    heatmap,
    prometheus,
    stat,
    table,
    timeseries,
)
from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models import common as options
from grafana_foundation_sdk.models import dashboard as grafana
from grafana_foundation_sdk.models.heatmap import HeatmapColorMode

from dashboards.clickhouse import SOURCE, ClickHouseQuery, Format, Query
from dashboards.panel import Column, Kind, Metric, Panel
from dashboards.statements import statement

PROMETHEUS = options.DataSourceRef(type_val="prometheus", uid="${prom}")

# One type for all builders: the SDK generates the same methods for each, without a base that says so.
_Builder: TypeAlias = Any
_PLAIN = {Kind.STAT: "text", Kind.TABLE: "blue"}
_FORMAT = {Kind.STAT: Format.TABLE, Kind.TABLE: Format.TABLE, Kind.TRACE: Format.TRACE}


def draw(panel: Panel, number: int, place: grafana.GridPos) -> grafana.Panel:
    """The panel at its place; `number` is its id on the board."""
    builder = _KINDS[panel.kind](panel)
    builder.id(number).title(panel.title).description(panel.description).grid_pos(place)
    builder.unit(panel.unit.value).no_value(panel.no_value).interval(panel.interval)
    if panel.series:
        builder.display_name(" ".join(f"${{__field.labels.{name}}}" for name in panel.series))
    if panel.kind in (Kind.TABLE, Kind.STAT):
        builder.override_by_regexp("/.*/", [grafana.DynamicConfigValue("noValue", "–")])
        builder.thresholds(_thresholds(panel.colors, "green" if panel.colors else _PLAIN[panel.kind]))
    if panel.most is not None:
        builder.max(panel.most)
    for name, column in panel.columns.items():
        builder.override_by_name(name, list(_properties(column)))
    _ask(builder, panel)
    drawn: grafana.Panel = builder.build()
    return drawn


def _ask(builder: _Builder, panel: Panel) -> None:
    if panel.metrics:
        builder.datasource(PROMETHEUS)
        for number, metric in enumerate(panel.metrics):
            builder.with_target(_metric(metric, chr(ord("A") + number)))
    else:
        form = _FORMAT.get(panel.kind, Format.TIME_SERIES)
        builder.datasource(SOURCE).with_target(Query(ClickHouseQuery(statement(panel.sql), form)))


def _metric(metric: Metric, ref_id: str) -> _Builder:
    query = prometheus.Dataquery().ref_id(ref_id).datasource(PROMETHEUS).expr(metric.expression)
    query.legend_format(metric.legend)
    return query.instant() if metric.instant else query.range()


def _stat(_panel: Panel) -> _Builder:
    return (
        stat.Panel()
        .color_mode(options.BigValueColorMode.VALUE)
        .graph_mode(options.BigValueGraphMode.NONE)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).fields("").values(False))
    )


def _lines(_panel: Panel) -> _Builder:
    return _series().draw_style(options.GraphDrawStyle.LINE).fill_opacity(8).span_nulls(False)


def _bars(_panel: Panel) -> _Builder:
    return _stacked(options.StackingMode.NORMAL)


def _shares(_panel: Panel) -> _Builder:
    return _stacked(options.StackingMode.PERCENT)


def _stacked(mode: options.StackingMode) -> _Builder:
    bars = _series().draw_style(options.GraphDrawStyle.BARS).fill_opacity(80).line_width(0)
    return bars.stacking(common.StackingConfig().mode(mode).group("A"))


def _series() -> _Builder:
    legend = common.VizLegendOptions().display_mode(options.LegendDisplayMode.LIST)
    tooltip = common.VizTooltipOptions().mode(options.TooltipDisplayMode.MULTI).sort(options.SortOrder.DESCENDING)
    return (
        timeseries.Panel()
        .legend(legend.placement(options.LegendPlacement.BOTTOM).show_legend(True))
        .tooltip(tooltip)
        .axis_soft_min(0)
        .show_points(options.VisibilityMode.AUTO)
    )


def _table(_panel: Panel) -> _Builder:
    return table.Panel().filterable(True).inspect(True).cell_height(options.TableCellHeight.SM)


def _heatmap(panel: Panel) -> _Builder:
    color = heatmap.HeatmapColorOptions().mode(HeatmapColorMode.SCHEME).scheme("Oranges").exponent(0.5).steps(64)
    return (
        heatmap.Panel()
        .calculate(False)
        .color(color)
        .cell_gap(1)
        .cell_values(heatmap.CellValues().unit(panel.unit.value))
        .y_axis(heatmap.YAxisConfig().axis_placement(options.AxisPlacement.LEFT))
        .show_legend()
    )


def _trace(_panel: Panel) -> _Builder:
    return build.Panel().type("traces")


_KINDS: dict[Kind, Callable[[Panel], _Builder]] = {
    Kind.STAT: _stat,
    Kind.LINES: _lines,
    Kind.BARS: _bars,
    Kind.SHARES: _shares,
    Kind.TABLE: _table,
    Kind.HEATMAP: _heatmap,
    Kind.TRACE: _trace,
}


def _properties(column: Column) -> Iterator[grafana.DynamicConfigValue]:
    """What sets one column apart."""
    if column.unit is not None:
        yield grafana.DynamicConfigValue("unit", column.unit.value)
    if column.decimals is not None:
        yield grafana.DynamicConfigValue("decimals", column.decimals)
    if column.width:
        yield grafana.DynamicConfigValue("custom.width", column.width)
    if column.hidden:
        yield grafana.DynamicConfigValue("custom.hidden", True)
    if column.link:
        yield grafana.DynamicConfigValue("links", [{"title": column.link.title, "url": column.link.url}])
    if column.gauge:
        cell = options.TableBarGaugeCellOptions(mode=options.BarGaugeDisplayMode.BASIC)
        yield grafana.DynamicConfigValue("custom.cellOptions", cell)
    if column.json:
        yield grafana.DynamicConfigValue("custom.cellOptions", options.TableJsonViewCellOptions())
    if column.colors:
        yield grafana.DynamicConfigValue("thresholds", _thresholds(column.colors, "green").build())
        if not column.gauge:
            yield grafana.DynamicConfigValue("color", {"mode": "thresholds"})


def _thresholds(colors: tuple[tuple[float, str], ...], base: str) -> build.ThresholdsConfig:
    steps = [grafana.Threshold(value=None, color=base), *(grafana.Threshold(value, color) for value, color in colors)]
    return build.ThresholdsConfig().mode(grafana.ThresholdsMode.ABSOLUTE).steps(steps)
