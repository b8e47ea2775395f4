"""Overview: how much, how well, how dear, how fast; and which models, users and tags it comes from."""

from dashboards import links
from dashboards.panel import Annotation, Board, Column, Kind, Panel, Row, Unit

NEW_FINGERPRINTS = Annotation("New fingerprints", "fingerprints/new", "purple")
_FAILED = Column(unit=Unit.SHARE, decimals=2, colors=((0.02, "orange"), (0.05, "red")), width=90)

BOARD = Board(
    uid=links.OVERVIEW,
    title="Tracer / Overview",
    description="Calls, errors, cost, tokens and latency at a glance.",
    variables=links.NARROWING,
    annotations=(NEW_FINGERPRINTS,),
    rows=(
        Row(
            "At a glance",
            (
                Panel(
                    title="Calls and cost",
                    description="Calls in the time range, the share that failed (callers who left do not count as failures), "
                    "what they cost, their tokens, and how many were answered without anybody knowing the price: cost is "
                    "without those.",
                    kind=Kind.STAT,
                    unit=Unit.COUNT,
                    sql="overview/now",
                    columns={
                        "failed": Column(unit=Unit.SHARE, decimals=2, colors=((0.02, "orange"), (0.05, "red"))),
                        "cost": Column(unit=Unit.DOLLARS, decimals=2),
                        "unpriced": Column(colors=((1, "orange"),)),
                    },
                    width=12,
                    height=4,
                ),
                Panel(
                    title="Speed",
                    description="Of the calls that ended well: half and 95 % were faster than this, to the first token of a "
                    "stream and to the end.",
                    kind=Kind.STAT,
                    unit=Unit.MILLISECONDS,
                    sql="overview/percentiles_now",
                    width=7,
                    height=4,
                ),
                Panel(
                    title="Who",
                    description="Different users, sessions and traces.",
                    kind=Kind.STAT,
                    unit=Unit.COUNT,
                    sql="overview/people",
                    width=5,
                    height=4,
                ),
            ),
        ),
        Row(
            "Over time",
            (
                Panel(
                    title="Calls by outcome",
                    description="How calls ended. `client_gone`: the caller left; `stream_error`: an error or a cut inside a "
                    "stream; `refused`: Tracer itself said no.",
                    kind=Kind.BARS,
                    unit=Unit.COUNT,
                    sql="overview/outcomes",
                    series=("outcome",),
                    width=8,
                ),
                Panel(
                    title="Errors by kind",
                    description="Calls that failed, by outcome; answers of providers by status.",
                    kind=Kind.BARS,
                    unit=Unit.COUNT,
                    sql="overview/errors",
                    series=("kind",),
                    no_value="No call failed.",
                    width=8,
                ),
                Panel(
                    title="Cost by model",
                    description="What was spent, by the model that was asked for. Calls without a known price are not in it.",
                    kind=Kind.BARS,
                    unit=Unit.DOLLARS,
                    sql="overview/cost",
                    series=("model",),
                    no_value="Nothing was spent, or no price is known.",
                    width=8,
                ),
                Panel(
                    title="Tokens",
                    description="Tokens by kind; the kinds exclude one another, so the bars add up to all tokens.",
                    kind=Kind.BARS,
                    unit=Unit.COUNT,
                    sql="overview/tokens",
                    width=8,
                ),
                Panel(
                    title="Time to first token",
                    description="Of streams that ended well: half, 95 % and 99 % had their first token sooner.",
                    kind=Kind.LINES,
                    unit=Unit.MILLISECONDS,
                    sql="overview/first_token",
                    no_value="No streams in this time range.",
                    width=8,
                ),
                Panel(
                    title="Duration",
                    description="Of calls that ended well: half, 95 % and 99 % were over sooner.",
                    kind=Kind.LINES,
                    unit=Unit.MILLISECONDS,
                    sql="overview/duration",
                    width=8,
                ),
            ),
        ),
        Row(
            "Where it comes from",
            (
                Panel(
                    title="Top models",
                    description="Models as they were asked for, the dearest first. A click narrows the cost board to one.",
                    kind=Kind.TABLE,
                    unit=Unit.COUNT,
                    sql="overview/models",
                    columns={
                        "model": Column(link=links.narrowed(links.COST, "model", "Cost of this model")),
                        "provider": Column(link=links.narrowed(links.RELIABILITY, "provider", "Reliability of this provider")),
                        "failed": _FAILED,
                        "cost": Column(unit=Unit.DOLLARS, decimals=2, gauge=True),
                        "unpriced": Column(width=90),
                    },
                    width=12,
                    height=10,
                ),
                Panel(
                    title="Top users",
                    description="End users, the dearest first. A click narrows this board to one.",
                    kind=Kind.TABLE,
                    unit=Unit.COUNT,
                    sql="overview/users",
                    no_value="No call says which user it is for.",
                    columns={
                        "user": Column(link=links.narrowed(links.OVERVIEW, "user", "Only this user")),
                        "failed": _FAILED,
                        "cost": Column(unit=Unit.DOLLARS, decimals=2, gauge=True),
                        "last_call": Column(unit=Unit.TIME, width=170),
                    },
                    width=12,
                    height=10,
                ),
                Panel(
                    title="By metadata: $key",
                    description="The callers' own tags: calls by the value of the chosen metadata key. A click narrows this "
                    "board to one.",
                    kind=Kind.TABLE,
                    unit=Unit.COUNT,
                    sql="overview/metadata",
                    no_value="No metadata on the calls in this time range.",
                    columns={
                        "value": Column(link=links.narrowed(links.OVERVIEW, "value", "Only this value")),
                        "failed": _FAILED,
                        "cost": Column(unit=Unit.DOLLARS, decimals=2, gauge=True),
                    },
                    width=12,
                    height=10,
                ),
                Panel(
                    title="Newest failures",
                    description="The newest calls that failed. A click on a trace opens it.",
                    kind=Kind.TABLE,
                    unit=Unit.TEXT,
                    sql="overview/failures",
                    no_value="No call failed.",
                    columns={
                        "time": Column(unit=Unit.TIME, width=170),
                        "otel_trace_id": Column(hidden=True),
                        "trace": Column(link=links.trace(), width=160),
                        "status": Column(unit=Unit.NONE, width=70),
                    },
                    width=12,
                    height=10,
                ),
            ),
        ),
    ),
)
