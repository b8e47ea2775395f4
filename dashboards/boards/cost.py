"""Cost: by model, user, tag and prompt version; what caches save; what is wasted; where the month is going."""

from dashboards import links
from dashboards.boards.overview import NEW_FINGERPRINTS
from dashboards.panel import Board, Column, Kind, Panel, Row, Unit

_DOLLARS = Column(unit=Unit.DOLLARS, decimals=2)
_SMALL = Column(unit=Unit.DOLLARS, decimals=5)
_COST = {"cost": Column(unit=Unit.DOLLARS, decimals=2, gauge=True), "per_call": _SMALL}
_MONEY = {**_COST, "saved": _DOLLARS, "wasted": _DOLLARS}

BOARD = Board(
    uid=links.COST,
    title="Tracer / Cost",
    description="What calls cost, what was saved and wasted, and what the month will come to.",
    variables=links.NARROWING,
    annotations=(NEW_FINGERPRINTS,),
    since="now-7d",
    rows=(
        Row(
            "Altogether",
            (
                Panel(
                    title="Spent",
                    description="Cost in the time range; per call and per million tokens; what Tracer's cache saved; what "
                    "was paid for answers that nobody received whole, also as a share of the cost; and answered calls that "
                    "nobody knows the price of.",
                    kind=Kind.STAT,
                    unit=Unit.DOLLARS,
                    sql="cost/now",
                    columns={
                        "per_call": _SMALL,
                        "wasted_share": Column(unit=Unit.SHARE, decimals=2),
                        "unpriced": Column(unit=Unit.COUNT, colors=((1, "orange"),)),
                    },
                    width=15,
                    height=4,
                ),
                Panel(
                    title="Month",
                    description="Of the calendar month (UTC) in which the time range ends: cost so far, and what it comes to "
                    "if the rest of it goes on like the last seven days; the month before; the last seven days. Users and "
                    "metadata do not narrow this.",
                    kind=Kind.STAT,
                    unit=Unit.DOLLARS,
                    sql="cost/forecast",
                    no_value="No cost is known.",
                    width=9,
                    height=4,
                ),
            ),
        ),
        Row(
            "Over time",
            (
                Panel(
                    title="Cost by model",
                    description="What was spent, by the model that was asked for.",
                    kind=Kind.BARS,
                    unit=Unit.DOLLARS,
                    sql="overview/cost",
                    series=("model",),
                    no_value="Nothing was spent, or no price is known.",
                ),
                Panel(
                    title="Cost by metadata: $key",
                    description="What was spent, by the chosen metadata key: the ten dearest values, and all others together.",
                    kind=Kind.BARS,
                    unit=Unit.DOLLARS,
                    sql="cost/metadata_over_time",
                    series=("value",),
                    no_value="Nothing was spent, or no price is known.",
                ),
                Panel(
                    title="Input and output",
                    description="What was spent on what was sent and on what was answered. Costs that a provider reports as "
                    "a whole are in neither.",
                    kind=Kind.BARS,
                    unit=Unit.DOLLARS,
                    sql="cost/input_output",
                    width=8,
                ),
                Panel(
                    title="Wasted, by how it ended",
                    description="Paid for and not received whole: callers who left, streams that broke, timeouts.",
                    kind=Kind.BARS,
                    unit=Unit.DOLLARS,
                    sql="cost/wasted_over_time",
                    series=("outcome",),
                    no_value="Nothing was wasted.",
                    width=8,
                ),
                Panel(
                    title="Saved by Tracer's cache",
                    description="What calls answered from Tracer's cache would have cost.",
                    kind=Kind.BARS,
                    unit=Unit.DOLLARS,
                    sql="cost/saved",
                    no_value="No call was answered from the cache.",
                    width=8,
                ),
            ),
        ),
        Row(
            "Prompt caches of the providers",
            (
                Panel(
                    title="Input tokens, cached and not",
                    description="Input by whether it was read from the provider's prompt cache, written to it, or neither. "
                    "Each is billed differently.",
                    kind=Kind.BARS,
                    unit=Unit.COUNT,
                    sql="cost/cached",
                ),
                Panel(
                    title="Share read from the cache",
                    description="Share of all input tokens that was read from the provider's prompt cache.",
                    kind=Kind.LINES,
                    unit=Unit.SHARE,
                    sql="cost/cached_share",
                    series=("provider",),
                    most=1,
                ),
            ),
        ),
        Row(
            "Broken down",
            (
                Panel(
                    title="Models",
                    description="By the model that was asked for, the dearest first.",
                    kind=Kind.TABLE,
                    unit=Unit.COUNT,
                    sql="cost/models",
                    columns={
                        **_MONEY,
                        "from_cache": Column(unit=Unit.SHARE),
                        "model": Column(link=links.narrowed(links.LATENCY, "model", "Latency of this model")),
                    },
                    height=10,
                ),
                Panel(
                    title="Users",
                    description="End users, the dearest 100 first. A click narrows this board to one.",
                    kind=Kind.TABLE,
                    unit=Unit.COUNT,
                    sql="cost/users",
                    columns={**_MONEY, "user": Column(link=links.narrowed(links.COST, "user", "Only this user"))},
                    height=10,
                ),
                Panel(
                    title="Metadata: $key",
                    description="By the value of the chosen metadata key (team, feature, …), the dearest 100 first.",
                    kind=Kind.TABLE,
                    unit=Unit.COUNT,
                    sql="cost/metadata",
                    columns={**_MONEY, "value": Column(link=links.narrowed(links.COST, "value", "Only this value"))},
                    height=10,
                ),
                Panel(
                    title="Prompt versions",
                    description="Calls made from prompt templates, by version: cost, tokens and duration (median) of one "
                    "next to the other.",
                    kind=Kind.TABLE,
                    unit=Unit.COUNT,
                    sql="cost/prompts",
                    no_value="No call was made from a prompt template.",
                    columns={
                        **_COST,
                        "failed": Column(unit=Unit.SHARE, decimals=2),
                        "duration": Column(unit=Unit.MILLISECONDS),
                        "first_call": Column(unit=Unit.TIME),
                        "last_call": Column(unit=Unit.TIME),
                    },
                    height=10,
                ),
            ),
        ),
        Row(
            "Waste and blind spots",
            (
                Panel(
                    title="Waste by disconnects and retries",
                    description="Calls that were paid for in vain or tried again, by provider and how they ended: what was "
                    "wasted, what the repeated tries cost, and output tokens that nobody received.",
                    kind=Kind.TABLE,
                    unit=Unit.COUNT,
                    sql="cost/wasted",
                    no_value="Nothing was wasted and nothing tried again.",
                    columns={"wasted": _DOLLARS, "spent_on_retries": _DOLLARS},
                ),
                Panel(
                    title="Unpriced calls",
                    description="Answered calls that nobody knows the price of, and why. A price (or 0) in the file that "
                    "TRACER_PRICES names counts from then on.",
                    kind=Kind.TABLE,
                    unit=Unit.COUNT,
                    sql="cost/unpriced",
                    no_value="The price of every call is known.",
                    columns={"first_call": Column(unit=Unit.TIME), "last_call": Column(unit=Unit.TIME)},
                ),
                Panel(
                    title="Where token counts come from",
                    description="Who counted the tokens of answered calls: the provider, the provider until a stream broke "
                    "off (partial), an estimate, nobody; and how many calls carry a note about their figures.",
                    kind=Kind.TABLE,
                    unit=Unit.COUNT,
                    sql="cost/usage_sources",
                    columns={"share": Column(unit=Unit.SHARE, decimals=2, gauge=True), "cost": _DOLLARS},
                ),
                Panel(
                    title="Odd token counts",
                    description="Figures of providers that contradict each other, and what was done about it; figures in the "
                    "text are shown as #.",
                    kind=Kind.TABLE,
                    unit=Unit.COUNT,
                    sql="cost/usage_notes",
                    no_value="All figures are consistent.",
                    columns={"last_call": Column(unit=Unit.TIME)},
                ),
            ),
        ),
    ),
)
