"""Trace explorer: find a call, see its trace as a tree over time, read what was said.

The trace and what belongs to it are found by id, wherever in time they are; only the search keeps to the time range.
"""

from dashboards import links
from dashboards.panel import Board, Column, Kind, Panel, Row, Unit

_CHOOSE = "No trace is chosen: click one in the table above, or type its id into “Trace”."

BOARD = Board(
    uid=links.TRACE,
    title="Tracer / Trace explorer",
    description="Search the calls, open a trace, read what was said.",
    variables=(*links.SEARCHING, "trace", "call"),
    since="now-6h",
    refresh="",
    rows=(
        Row(
            "Search",
            (
                Panel(
                    title="Calls",
                    description="The newest 200 calls that the filters let through. A click on a trace shows it below.",
                    kind=Kind.TABLE,
                    unit=Unit.TEXT,
                    sql="trace/search",
                    columns={
                        "time": Column(unit=Unit.TIME, width=170),
                        "otel_trace_id": Column(hidden=True),
                        "trace": Column(link=links.trace(links.SEARCHING), width=240),
                        "outcome": Column(width=120),
                        "status": Column(unit=Unit.NONE, width=70),
                        "duration": Column(unit=Unit.MILLISECONDS, width=100, colors=((10_000, "orange"), (60_000, "red"))),
                        "first_token": Column(unit=Unit.MILLISECONDS, width=100),
                        "tokens": Column(unit=Unit.COUNT, width=90),
                        "cost": Column(unit=Unit.DOLLARS, width=100, decimals=6),
                    },
                    width=24,
                    height=11,
                ),
            ),
        ),
        Row(
            "Trace $trace",
            (
                Panel(
                    title="Tree",
                    description="The calls and the application's own spans of the chosen trace; a span's attributes are in "
                    "its details.",
                    kind=Kind.TRACE,
                    unit=Unit.NONE,
                    sql="trace/tree",
                    no_value=_CHOOSE,
                    width=24,
                    height=14,
                ),
                Panel(
                    title="Calls of the trace",
                    description="Each call of the chosen trace with its cost and times; retries are calls of their own "
                    "(attempt). A click on a call narrows the contents below to it.",
                    kind=Kind.TABLE,
                    unit=Unit.TEXT,
                    sql="trace/calls",
                    no_value=_CHOOSE,
                    columns={
                        "time": Column(unit=Unit.TIME, width=170),
                        "call_id": Column(link=links.call(), width=300),
                        "attempt": Column(unit=Unit.NONE, width=80),
                        "status": Column(unit=Unit.NONE, width=70),
                        "duration": Column(unit=Unit.MILLISECONDS, width=100),
                        "first_token": Column(unit=Unit.MILLISECONDS, width=100),
                        "tokens_in": Column(unit=Unit.COUNT, width=90),
                        "tokens_out": Column(unit=Unit.COUNT, width=90),
                        "cost": Column(unit=Unit.DOLLARS, width=110, decimals=6),
                    },
                    width=24,
                ),
            ),
        ),
        Row(
            "What was said",
            (
                Panel(
                    title="Requests and answers",
                    description="Bodies of the chosen trace's calls, as they were kept: what was asked, and the answer (a "
                    "stream's put together). Nothing is here for calls whose content is not kept, or no longer.",
                    kind=Kind.TABLE,
                    unit=Unit.TEXT,
                    sql="trace/bodies",
                    no_value="No trace is chosen, or the contents of its calls are not kept (TRACER_CAPTURE, "
                    "TRACER_BODIES_RETENTION_DAYS).",
                    columns={
                        "time": Column(unit=Unit.TIME, width=170),
                        "call_id": Column(link=links.call(), width=300),
                        "asked": Column(json=True),
                        "answered": Column(json=True),
                    },
                    width=24,
                    height=12,
                ),
                Panel(
                    title="The application's own spans",
                    description="Spans that the application itself sent to Tracer for the chosen trace, with their input and "
                    "output.",
                    kind=Kind.TABLE,
                    unit=Unit.TEXT,
                    sql="trace/spans",
                    no_value="The chosen trace has no spans of the application's own.",
                    columns={
                        "time": Column(unit=Unit.TIME, width=170),
                        "duration": Column(unit=Unit.MILLISECONDS, width=100),
                        "input": Column(json=True),
                        "output": Column(json=True),
                    },
                    width=24,
                ),
            ),
        ),
    ),
)
