"""A board as the JSON file that Grafana reads: classic, schemaVersion 42, which every Grafana from 11 to 13 loads.

The same board gives the same bytes: numbers of panels follow their order, keys are sorted, nothing comes from a clock.
"""

import json
from collections.abc import Iterator

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as grafana

from dashboards.clickhouse import SOURCE, ClickHouseQuery, Format, Query
from dashboards.drawing import draw
from dashboards.panel import WIDTH, Annotation, Board, Panel
from dashboards.statements import statement
from dashboards.variables import variable

TAG = "tracer"
_ROW_HEIGHT = 1


def document(board: Board) -> str:
    """The board's file."""
    return json.dumps(assembled(board), cls=JSONEncoder, sort_keys=True, indent=2, ensure_ascii=False) + "\n"


def assembled(board: Board) -> grafana.Dashboard:
    """The board in the SDK's terms."""
    builder = (
        build.Dashboard(board.title)
        .uid(board.uid)
        .description(board.description)
        .tags([TAG])
        .timezone("browser")
        .time(board.since, "now")
        .refresh(board.refresh)
        .tooltip(grafana.DashboardCursorSync.CROSSHAIR)
        .editable()
        .link(_others())
        .variables([variable(name) for name in ("ds", *board.variables)])
        .annotations([_annotation(each) for each in board.annotations])
    )
    made = builder.build()
    # The SDK hides both in a menu of their own.
    for shown in (*(made.links or ()), *((made.annotations and made.annotations.list_val) or ())):
        shown.placement = None
    made.panels = list(_placed(board))
    return made


def number_of(board: Board, title: str) -> int:
    """The id of the panel of that title, for what points at it."""
    return next(each.id_val or 0 for each in _placed(board) if each.title == title and isinstance(each, grafana.Panel))


def _placed(board: Board) -> Iterator[grafana.Panel | grafana.RowPanel]:
    """Rows and panels from the top, panels from left to right; the next line starts below the highest of this one."""
    top, number = 0, 0
    for row in board.rows:
        number += 1
        yield _heading(row.title, number, top)
        top += _ROW_HEIGHT
        left = highest = 0
        for panel in row.panels:
            if left + panel.width > WIDTH:
                left, top, highest = 0, top + highest, 0
            number += 1
            yield _drawn(panel, number, left, top)
            left, highest = left + panel.width, max(highest, panel.height)
        top += highest


def _heading(title: str, number: int, top: int) -> grafana.RowPanel:
    place = grafana.GridPos(h=_ROW_HEIGHT, w=WIDTH, x=0, y=top)
    return build.Row(title).id(number).collapsed(False).grid_pos(place).build()


def _drawn(panel: Panel, number: int, left: int, top: int) -> grafana.Panel:
    return draw(panel, number, grafana.GridPos(h=panel.height, w=panel.width, x=left, y=top))


def _annotation(mark: Annotation) -> build.AnnotationQuery:
    query = ClickHouseQuery(statement(mark.sql), Format.TABLE, mark.name)
    return build.AnnotationQuery().name(mark.name).datasource(SOURCE).enable(True).icon_color(mark.color).target(Query(query))


def _others() -> build.DashboardLink:
    link = build.DashboardLink("Tracer").type(grafana.DashboardLinkType.DASHBOARDS).tags([TAG])
    return link.as_dropdown(True).include_vars(True).keep_time(True)
