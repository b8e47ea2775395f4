"""What the calls of a plan came to: tokens, then times, then starts, each from what is before it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tests.traffic import streams
from tests.traffic.market import FAILURES, MODELS
from tests.traffic.people import APPLICATIONS
from tests.traffic.plan import HIT, OK, Bools, Floats, Ints, Plan, by_version

ENDINGS = ("ok", "cache_hit", *(each.outcome for each in FAILURES))


@dataclass(frozen=True, slots=True)
class Tokens:
    """Of each call; `known` says where there are counts at all, `whole` where the provider reported them at the end."""

    known: Bools
    whole: Bools
    uncached: Ints
    read: Ints
    written: Ints
    text: Ints
    reasoning: Ints


@dataclass(frozen=True, slots=True)
class Times:
    """Milliseconds."""

    connect: Floats  # 0: an open connection
    first_byte: Floats  # 0: none came
    first_token: Floats  # 0: none came, or no stream
    duration: Floats
    gone: Floats  # 0: the client stayed
    proxy_us: Ints
    streamed: Ints  # the calls with gaps between tokens
    gaps: streams.Gaps


def named(plan: Plan, *outcomes: str) -> Bools:
    """Which calls ended in one of these ways."""
    found: Bools = np.isin(ending_of(plan), [place for place, name in enumerate(ENDINGS) if name in outcomes])
    return found


def ending_of(plan: Plan) -> Ints:
    """Places in ENDINGS."""
    return np.where(plan.ending == OK, 0, np.where(plan.ending == HIT, 1, plan.ending + 2))


def of_model(name: str, plan: Plan) -> NDArray[np.float64]:
    return np.array([getattr(each, name) or 0.0 for each in MODELS], np.float64)[plan.model]


def of_application(name: str, plan: Plan) -> NDArray[np.float64]:
    return np.array([getattr(each, name) for each in APPLICATIONS], np.float64)[plan.application]


def tokens_of(rng: np.random.Generator, plan: Plan) -> Tokens:
    count = len(plan.model)
    asked = np.maximum(of_application("input_tokens", plan) * rng.lognormal(0, 0.6, count) * (1 + 0.25 * plan.place), 4)
    answered = of_application("output_tokens", plan) * by_version("wordier", plan) * rng.lognormal(0, 0.7, count)
    cut = named(plan, "client_gone", "stream_error")
    answered = np.where(cut, answered * rng.random(count), answered)
    embeds = np.array([each.embeds for each in MODELS])[plan.model]
    output = np.where(embeds, 0, np.maximum(answered, 1)).astype(np.int64)
    total = asked.astype(np.int64)
    # Later calls of a trace repeat the beginning of the earlier ones.
    reuses = (of_model("cached_usd", plan) > 0) & (rng.random(count) < np.where(plan.place > 0, 0.8, 0.3))
    read = np.where(reuses, total * rng.uniform(0.3, 0.9, count) // 128 * 128, 0).astype(np.int64)
    anthropic = np.array([each.provider == "anthropic" for each in MODELS])[plan.model]
    written = np.where(anthropic & ~reuses & (rng.random(count) < 0.5), (total - read) // 2, 0)
    reasoning = (output * of_model("reasoning", plan)).astype(np.int64)
    came = named(plan, "ok", "cache_hit") | (cut & (rng.random(count) < 0.8))
    return Tokens(came, came & ~cut, total - read - written, read, written, output - reasoning, reasoning)


def times_of(rng: np.random.Generator, plan: Plan, tokens: Tokens) -> Times:
    count = len(plan.model)
    slower = by_version("slower", plan)
    size = 1 + (tokens.uncached + tokens.written) / 12000
    first = of_model("ttft_ms", plan) * slower * size * rng.lognormal(0, 0.4, count)
    pace = of_model("itl_ms", plan) * slower * rng.lognormal(0, 0.2, count)
    answered = named(plan, "ok", "client_gone", "stream_error", "cache_hit")
    hit = plan.ending == HIT
    streamed = np.flatnonzero(answered & ~hit & plan.stream & (tokens.text > 1))
    gaps = streams.draw(rng, pace[streamed], tokens.text[streamed] - 1)
    flowing = pace * (tokens.text + tokens.reasoning) * 0.9
    flowing[streamed] = gaps.total_ms
    connect = np.where(rng.random(count) < 0.12, rng.uniform(8, 70, count), 0)
    first = np.where(hit, rng.uniform(0.6, 2.5, count), first + connect)
    flowing = np.where(hit, 0.4, flowing)
    failed_ms = _failed_ms(rng, plan)
    duration = np.where(answered, first + flowing + rng.uniform(0.3, 3, count), failed_ms)
    return Times(
        connect=np.where(hit, 0, connect),
        first_byte=np.where(answered, np.where(plan.stream, first * 0.92, duration - 0.2), 0),
        first_token=np.where(answered & plan.stream, first, 0),
        duration=duration,
        gone=np.where(named(plan, "client_gone"), duration - 0.2, 0),
        proxy_us=(180 * rng.lognormal(0, 0.45, count)).astype(np.int64),
        streamed=streamed,
        gaps=gaps,
    )


def _failed_ms(rng: np.random.Generator, plan: Plan) -> Floats:
    """How long a call took that got no answer."""
    limits = {"response_timeout": 60_000.0, "connect_timeout": 10_000.0}
    usual = np.array([limits.get(each.error_type, 1.2 if each.outcome == "refused" else 240.0) for each in FAILURES])
    spread = np.array([0.0005 if each.error_type in limits else 0.8 for each in FAILURES])
    found: Floats = usual[plan.ending] * np.exp(rng.normal(0, 1, len(plan.ending)) * spread[plan.ending])
    return found


def starts_of(rng: np.random.Generator, plan: Plan, times: Times) -> Floats:
    """Seconds since the day's start: calls of a trace follow one another."""
    step = np.where(plan.overlaps, 0.15, 1.0) * times.duration / 1000 + rng.uniform(0.005, 0.4, len(plan.trace))
    before = np.cumsum(step) - step
    first = np.searchsorted(plan.trace, plan.trace)  # where the trace begins: they are in order
    since = before - before[first]
    ends = np.searchsorted(plan.trace, plan.trace, "right") - 1
    length = before[ends] + step[ends] - before[first] + times.duration[ends] / 1000
    latest = 86400 - length - 0.5
    return np.minimum(plan.trace_s, np.maximum(latest, 0)) + since
