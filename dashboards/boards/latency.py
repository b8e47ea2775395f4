"""Latency: to the first token, between tokens, to the end; where it stalls; what Tracer itself adds."""

from dashboards import links
from dashboards.boards.overview import NEW_FINGERPRINTS
from dashboards.panel import Board, Column, Kind, Panel, Row, Unit

_NO_STREAMS = "No streams in this time range."
_MICROSECONDS = Column(unit=Unit.MICROSECONDS)

BOARD = Board(
    uid=links.LATENCY,
    title="Tracer / Latency",
    description="Time to the first token, between tokens and to the end, by provider and model, and Tracer's own share.",
    variables=(*links.NARROWING, "stall"),
    annotations=(NEW_FINGERPRINTS,),
    rows=(
        Row(
            "Altogether",
            (
                Panel(
                    title="Percentiles",
                    description="Of calls that ended well: half and 95 % were faster. To the first token, between two "
                    "tokens, to the end; output tokens per second of a call; and the time that Tracer itself added (half, 99 "
                    "%).",
                    kind=Kind.STAT,
                    unit=Unit.MILLISECONDS,
                    sql="latency/now",
                    columns={
                        "tokens_per_second": Column(unit=Unit.NONE, decimals=1),
                        "tracer_p50": _MICROSECONDS,
                        "tracer_p99": _MICROSECONDS,
                    },
                    width=24,
                    height=4,
                ),
            ),
        ),
        Row(
            "To the first token",
            (
                Panel(
                    title="Time to first token",
                    description="Of streams that ended well: half, 95 % and 99 % had their first token sooner.",
                    kind=Kind.LINES,
                    unit=Unit.MILLISECONDS,
                    sql="overview/first_token",
                    no_value=_NO_STREAMS,
                    width=8,
                ),
                Panel(
                    title="First token by model",
                    description="95 % of a model's streams had their first token sooner.",
                    kind=Kind.LINES,
                    unit=Unit.MILLISECONDS,
                    sql="latency/first_token_models",
                    series=("model",),
                    no_value=_NO_STREAMS,
                    width=8,
                ),
                Panel(
                    title="First tokens",
                    description="How many streams had their first token after how long; each row begins at its name and ends "
                    "at the next.",
                    kind=Kind.HEATMAP,
                    unit=Unit.COUNT,
                    sql="latency/first_token_heat",
                    no_value=_NO_STREAMS,
                    width=8,
                ),
            ),
        ),
        Row(
            "Between tokens",
            (
                Panel(
                    title="Time between tokens",
                    description="Gaps between two tokens of a stream, of all gaps: half, 95 % and 99 % were shorter. From "
                    "digests, at most 19 % too high.",
                    kind=Kind.LINES,
                    unit=Unit.MILLISECONDS,
                    sql="latency/between",
                    no_value=_NO_STREAMS,
                    width=8,
                ),
                Panel(
                    title="Streams that stalled",
                    description="Share of the streams whose longest gap between two tokens reached the chosen stall.",
                    kind=Kind.LINES,
                    unit=Unit.SHARE,
                    sql="latency/stalls",
                    series=("provider",),
                    no_value=_NO_STREAMS,
                    width=8,
                ),
                Panel(
                    title="Gaps between tokens",
                    description="How many gaps were how long; each row begins at its name and ends at the next. Tokens that "
                    "came in one piece came at once.",
                    kind=Kind.HEATMAP,
                    unit=Unit.COUNT,
                    sql="latency/between_heat",
                    no_value=_NO_STREAMS,
                    width=8,
                ),
            ),
        ),
        Row(
            "Whole calls",
            (
                Panel(
                    title="Duration",
                    description="Of calls that ended well: half, 95 % and 99 % were over sooner.",
                    kind=Kind.LINES,
                    unit=Unit.MILLISECONDS,
                    sql="overview/duration",
                    width=8,
                ),
                Panel(
                    title="Duration by provider",
                    description="95 % of a provider's calls that ended well were over sooner.",
                    kind=Kind.LINES,
                    unit=Unit.MILLISECONDS,
                    sql="latency/duration_providers",
                    series=("provider",),
                    width=8,
                ),
                Panel(
                    title="Throughput by model",
                    description="Output tokens per second of a call, from its start to its end, so that waiting for the "
                    "first token counts.",
                    kind=Kind.LINES,
                    unit=Unit.NONE,
                    sql="latency/throughput",
                    series=("model",),
                    no_value="No call gave output tokens.",
                    width=8,
                ),
            ),
        ),
        Row(
            "Tracer's own share",
            (
                Panel(
                    title="Time that Tracer added",
                    description="Time of a call that was spent in Tracer and not waiting for others: half, 95 % and 99 % of "
                    "the calls had less.",
                    kind=Kind.LINES,
                    unit=Unit.MICROSECONDS,
                    sql="latency/added",
                ),
                Panel(
                    title="Opening connections",
                    description="Time to open a connection to the provider, of the calls that had to: half and 95 % needed "
                    "less.",
                    kind=Kind.LINES,
                    unit=Unit.MILLISECONDS,
                    sql="latency/connect",
                    no_value="Every call found an open connection.",
                    width=6,
                ),
                Panel(
                    title="Connections used again",
                    description="Share of the calls that went over a connection that was open already.",
                    kind=Kind.LINES,
                    unit=Unit.SHARE,
                    sql="latency/reused",
                    most=1,
                    width=6,
                ),
            ),
        ),
        Row(
            "Compared",
            (
                Panel(
                    title="Models",
                    description="Percentiles of each model, of calls that ended well.",
                    kind=Kind.TABLE,
                    unit=Unit.MILLISECONDS,
                    sql="latency/models",
                    columns={
                        "model": Column(link=links.narrowed(links.LATENCY, "model", "Only this model")),
                        "first_token_p95": Column(gauge=True),
                        "tokens_per_second": Column(unit=Unit.NONE, decimals=1),
                    },
                    width=24,
                    height=9,
                ),
                Panel(
                    title="Slowest calls",
                    description="The 50 calls that took longest, however they ended. A click on a trace opens it.",
                    kind=Kind.TABLE,
                    unit=Unit.MILLISECONDS,
                    sql="latency/slowest",
                    columns={
                        "time": Column(unit=Unit.TIME, width=170),
                        "otel_trace_id": Column(hidden=True),
                        "trace": Column(link=links.trace(), width=240),
                        "tokens_in": Column(unit=Unit.COUNT, width=90),
                        "tokens_out": Column(unit=Unit.COUNT, width=90),
                    },
                    width=24,
                    height=9,
                ),
            ),
        ),
    ),
)
