"""Fingerprints: when a provider changed what answers under a model's name, and what that did to latency, cost and errors.

A fingerprint is `system_fingerprint` of the answers. Providers that send none do not appear here.
"""

from dashboards import links
from dashboards.boards.overview import NEW_FINGERPRINTS
from dashboards.panel import Board, Column, Kind, Panel, Row, Unit

_NONE = "No answer in this time range has a system_fingerprint."
_NAMES = ("model", "fingerprint")
_CHANGE = Column(unit=Unit.SHARE, decimals=1, colors=((0.1, "orange"), (0.25, "red")))
_FAILED = Column(unit=Unit.SHARE, decimals=2)

BOARD = Board(
    uid=links.FINGERPRINTS,
    title="Tracer / Fingerprints",
    description="The system_fingerprint of each model over time, and what changed with it.",
    variables=links.NARROWING,
    annotations=(NEW_FINGERPRINTS,),
    since="now-30d",
    refresh="5m",
    rows=(
        Row(
            "Which, and since when",
            (
                Panel(
                    title="Fingerprints",
                    description="Each fingerprint of a model: first and last seen in all that is kept; and of the time range "
                    "its calls, its share of the model's calls that have one, median first token and duration, cost and "
                    "output tokens per call.",
                    kind=Kind.TABLE,
                    unit=Unit.COUNT,
                    sql="fingerprints/table",
                    no_value=_NONE,
                    columns={
                        "model": Column(link=links.narrowed(links.FINGERPRINTS, "model", "Only this model")),
                        "first_seen": Column(unit=Unit.TIME, width=170),
                        "last_seen": Column(unit=Unit.TIME, width=170),
                        "share": Column(unit=Unit.SHARE, gauge=True),
                        "first_token": Column(unit=Unit.MILLISECONDS),
                        "duration": Column(unit=Unit.MILLISECONDS),
                        "per_call": Column(unit=Unit.DOLLARS, decimals=5),
                        "tokens_out": Column(unit=Unit.COUNT, decimals=0),
                    },
                    width=24,
                    height=10,
                ),
                Panel(
                    title="Calls by fingerprint",
                    description="Share of each fingerprint among the calls that have one. Choose a model to see its own "
                    "changes.",
                    kind=Kind.SHARES,
                    unit=Unit.COUNT,
                    sql="fingerprints/share",
                    series=_NAMES,
                    no_value=_NONE,
                    width=24,
                ),
            ),
        ),
        Row(
            "What changed with it",
            (
                Panel(
                    title="Switches",
                    description="Each change of a model's fingerprint in the time range, with the model's calls of the day "
                    "before and of the day after: how median first token, median duration and mean cost of a call changed, "
                    "and the failed share on both sides. A new day can also bring other work: look at the graphs below. "
                    "Users and metadata do not narrow this.",
                    kind=Kind.TABLE,
                    unit=Unit.COUNT,
                    sql="fingerprints/switches",
                    no_value="No model changed its fingerprint in this time range.",
                    columns={
                        "time": Column(unit=Unit.TIME, width=170),
                        "first_token": _CHANGE,
                        "duration": _CHANGE,
                        "cost": _CHANGE,
                        "failed_before": _FAILED,
                        "failed_after": _FAILED,
                    },
                    width=24,
                    height=9,
                ),
                Panel(
                    title="First token by fingerprint",
                    description="Median time to the first token of streams that ended well.",
                    kind=Kind.LINES,
                    unit=Unit.MILLISECONDS,
                    sql="fingerprints/first_token",
                    series=_NAMES,
                    no_value=_NONE,
                ),
                Panel(
                    title="Duration by fingerprint",
                    description="Median duration of calls that ended well.",
                    kind=Kind.LINES,
                    unit=Unit.MILLISECONDS,
                    sql="fingerprints/duration",
                    series=_NAMES,
                    no_value=_NONE,
                ),
                Panel(
                    title="Cost of a call by fingerprint",
                    description="Mean cost of calls that ended well and whose price is known.",
                    kind=Kind.LINES,
                    unit=Unit.DOLLARS,
                    sql="fingerprints/per_call",
                    series=_NAMES,
                    no_value="No call with a fingerprint has a known price.",
                ),
                Panel(
                    title="Failed share by model",
                    description="Share of a model's calls that failed, of the models that have fingerprints. By model, as "
                    "most calls that fail bring no fingerprint.",
                    kind=Kind.LINES,
                    unit=Unit.SHARE,
                    sql="fingerprints/failed",
                    series=("model",),
                    no_value=_NONE,
                ),
            ),
        ),
    ),
)
