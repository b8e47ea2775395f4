"""What a call used and what that cost: the reply's own figures, and where they came from.

Rules
- Only a POST that makes something is billed: reading a stored response again returns its usage again, counting tokens returns
  a count, a batch tells of what was used elsewhere (route.py).
- Of two accounts of one call, the model's own usage is believed before that of whoever carried it (Bedrock's metrics and
  headers); if they differ the note says so.
- Counts of a stream that stopped before its end are `partial`: what the provider had said until then, and what arrived since.
  Where the provider said nothing the counts are `estimated` (estimate.py), if it has probably billed the call.
- Wasted is what was paid for an answer that nobody received whole.
"""

from decimal import Decimal
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from tracer.records import Exchange, Outcome, UsageSource
from tracer.sink.estimate import Estimate, Sides, completed, estimate, may_estimate
from tracer.sink.facts import Facts
from tracer.sink.notes import other_model, two_accounts
from tracer.sink.price import Cost, PriceBook
from tracer.sink.reply import Reply
from tracer.sink.request import Asked
from tracer.sink.route import Route
from tracer.sink.usage import Usage, compact, read_usage

_NOTHING = Usage()
_UNFINISHED = (Outcome.CLIENT_GONE, Outcome.TIMEOUT, Outcome.STREAM_ERROR, Outcome.UPSTREAM_ERROR, Outcome.PROXY_CRASH)


class Bill(Struct, frozen=True):
    """Tokens, where their counts come from, and what they cost."""

    usage: Usage
    source: UsageSource
    cost: Cost
    raw: str = ""
    note: str = ""


def bill(exchange: Exchange, way: Route, asked: Asked, reply: Reply, sides: Sides, prices: PriceBook) -> Bill:
    """The bill of one call."""
    facts = reply.facts
    models = tuple(dict.fromkeys(model for model in (facts.model, asked.model) if model))

    def cost_of(usage: Usage, raw: dict[str, Any]) -> Cost:
        return prices.price(usage, raw, exchange.provider, models, facts.tier, exchange.started_ns, exchange.upstream)

    found = _found(facts, exchange.provider, way.operation) if way.billed else None
    if found is None:
        guess = _guess(exchange, way, sides, reply, models)
        if guess is None:
            return Bill(_NOTHING, UsageSource.NONE, Cost("none: no usage reported" if way.operation and way.billed else ""))
        return Bill(guess.usage, UsageSource.ESTIMATED, cost_of(guess.usage, {}), note=guess.note)
    raw, usage, note = found
    if facts.searches is not None and usage.web_searches is None:
        usage = replace(usage, web_searches=facts.searches)
    if facts.elsewhere is not None and (told := other_model(facts.elsewhere, "image generation")):
        note = f"{note}; {told}" if note else told
    if not reply.sse or facts.ended or facts.usage_is_final:
        return Bill(usage, UsageSource.PROVIDER, cost_of(usage, raw), compact(raw), note)
    guess = completed(exchange, sides, reply, models[0] if models else "", usage)
    if guess is not None:
        usage, note = guess.usage, "; ".join(part for part in (note, guess.note) if part)
    return Bill(usage, UsageSource.PARTIAL, cost_of(usage, raw), compact(raw), note)


def wasted(cost: Cost, outcome: Outcome) -> Decimal | None:
    """What of this cost bought nothing; None if the call went well, or if it is unknown."""
    return cost.total if outcome in _UNFINISHED else None


def _guess(exchange: Exchange, way: Route, sides: Sides, reply: Reply, models: tuple[str, ...]) -> Estimate | None:
    if not way.billed or not may_estimate(exchange, way, reply):
        return None
    return estimate(exchange, way.operation, sides, reply, models[0] if models else "")


def _found(facts: Facts, provider: str, operation: str) -> tuple[dict[str, Any], Usage, str] | None:
    """The usage to believe as it was sent, its buckets, and what is to be said of them."""
    own = None if facts.usage is None else read_usage(facts.usage, provider, operation)
    if facts.usage_beside is None:
        return None if own is None or facts.usage is None else (facts.usage, *own)
    beside = read_usage(facts.usage_beside, provider, operation)
    if own is None or facts.usage is None:
        return None if beside is None else (facts.usage_beside, *beside)
    usage, note = own
    if beside is not None:
        other = beside[0]
        differs = two_accounts((usage.input_tokens, usage.output_tokens), (other.input_tokens, other.output_tokens))
        note = "; ".join(part for part in (note, differs) if part)
    return facts.usage, usage, note
