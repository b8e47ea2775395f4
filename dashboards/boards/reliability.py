"""Reliability: how calls end, which errors, what retries bring, and which provider does better."""

from dashboards import links
from dashboards.panel import Board, Column, Kind, Panel, Row, Unit

_SHARE = Column(unit=Unit.SHARE, decimals=2)
_NO_FAILURE = "No call failed."

BOARD = Board(
    uid=links.RELIABILITY,
    title="Tracer / Reliability",
    description="Outcomes, status codes, timeouts and retries, and the providers side by side.",
    variables=links.NARROWING,
    rows=(
        Row(
            "Altogether",
            (
                Panel(
                    title="How calls ended",
                    description="Share of calls that succeeded and that failed (callers who left are neither), calls by the "
                    "kind of their failure, and the share that SDKs sent again.",
                    kind=Kind.STAT,
                    unit=Unit.COUNT,
                    sql="reliability/now",
                    columns={
                        "succeeded": _SHARE,
                        "failed": Column(unit=Unit.SHARE, decimals=2, colors=((0.02, "orange"), (0.05, "red"))),
                        "retries": _SHARE,
                    },
                    width=24,
                    height=4,
                ),
            ),
        ),
        Row(
            "Over time",
            (
                Panel(
                    title="Outcomes",
                    description="Share of each outcome among all calls.",
                    kind=Kind.SHARES,
                    unit=Unit.COUNT,
                    sql="overview/outcomes",
                    series=("outcome",),
                    width=8,
                ),
                Panel(
                    title="Failed share by provider",
                    description="Share of a provider's calls that failed; those that Tracer refused are left out. The alert "
                    "on the error rate looks at this.",
                    kind=Kind.LINES,
                    unit=Unit.SHARE,
                    sql="reliability/failed_share",
                    series=("provider",),
                    width=8,
                ),
                Panel(
                    title="Status codes",
                    description="Calls by the status that the caller got; none: it had left before.",
                    kind=Kind.BARS,
                    unit=Unit.COUNT,
                    sql="reliability/status",
                    series=("status",),
                    width=8,
                ),
                Panel(
                    title="Rate limited",
                    description="Calls that were answered with 429, by provider.",
                    kind=Kind.BARS,
                    unit=Unit.COUNT,
                    sql="reliability/rate_limited",
                    series=("provider",),
                    width=8,
                ),
                Panel(
                    title="Timeouts and broken streams",
                    description="Calls that were not answered in time, and streams that broke off, by provider.",
                    kind=Kind.BARS,
                    unit=Unit.COUNT,
                    sql="reliability/timeouts",
                    series=("kind",),
                    no_value="No timeout and no broken stream.",
                    width=8,
                ),
                Panel(
                    title="Retries",
                    description="Calls that an SDK sent again, by provider.",
                    kind=Kind.BARS,
                    unit=Unit.COUNT,
                    sql="reliability/retries",
                    series=("provider",),
                    no_value="Nothing was sent again.",
                    width=8,
                ),
            ),
        ),
        Row(
            "Compared",
            (
                Panel(
                    title="Providers",
                    description="Shares of each provider's calls by how they ended, share of repeated tries, and the first "
                    "token and duration that 95 % of the successful calls were under.",
                    kind=Kind.TABLE,
                    unit=Unit.SHARE,
                    sql="reliability/providers",
                    columns={
                        "provider": Column(link=links.narrowed(links.RELIABILITY, "provider", "Only this provider")),
                        "calls": Column(unit=Unit.COUNT),
                        "errors": Column(unit=Unit.SHARE, decimals=2, colors=((0.02, "orange"), (0.05, "red"))),
                        "timeouts": _SHARE,
                        "broken_streams": _SHARE,
                        "callers_left": _SHARE,
                        "retries": _SHARE,
                        "first_token_p95": Column(unit=Unit.MILLISECONDS),
                        "duration_p95": Column(unit=Unit.MILLISECONDS),
                    },
                    width=14,
                    height=9,
                ),
                Panel(
                    title="What retries bring",
                    description="Repeated tries by provider: how many succeeded, the most tries of one call, the time and "
                    "money they took.",
                    kind=Kind.TABLE,
                    unit=Unit.COUNT,
                    sql="reliability/retry_success",
                    no_value="Nothing was sent again.",
                    columns={
                        "succeeded": _SHARE,
                        "seconds": Column(unit=Unit.SECONDS),
                        "cost": Column(unit=Unit.DOLLARS, decimals=2),
                    },
                    width=10,
                    height=9,
                ),
            ),
        ),
        Row(
            "Errors",
            (
                Panel(
                    title="Errors by type",
                    description="Failed calls by provider, outcome, status and error, with the newest message and the newest "
                    "trace. A click on the trace opens it.",
                    kind=Kind.TABLE,
                    unit=Unit.COUNT,
                    sql="reliability/error_types",
                    no_value=_NO_FAILURE,
                    columns={
                        "status": Column(unit=Unit.NONE, width=70),
                        "first_at": Column(unit=Unit.TIME, width=170),
                        "last_at": Column(unit=Unit.TIME, width=170),
                        "otel_trace_id": Column(hidden=True),
                        "trace": Column(link=links.trace(), width=160),
                    },
                    width=24,
                    height=10,
                ),
                Panel(
                    title="Newest failures",
                    description="The newest calls that failed. A click on a trace opens it.",
                    kind=Kind.TABLE,
                    unit=Unit.TEXT,
                    sql="overview/failures",
                    no_value=_NO_FAILURE,
                    columns={
                        "time": Column(unit=Unit.TIME, width=170),
                        "otel_trace_id": Column(hidden=True),
                        "trace": Column(link=links.trace(), width=240),
                        "status": Column(unit=Unit.NONE, width=70),
                    },
                    width=24,
                    height=10,
                ),
            ),
        ),
    ),
)
