"""The plan of a day as columns of `llm.calls`, with the values that the sink would have given them.

Where a call did not get that far, its values are NULL or 0 as in a real row (tests/traffic/test_traffic.py holds what must be
true of each).
"""

from datetime import datetime

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tests.traffic import arrow
from tests.traffic.drawn import ENDINGS, Times, Tokens, ending_of, named, of_model, starts_of, times_of, tokens_of
from tests.traffic.market import FAILURES, MODELS
from tests.traffic.people import APPLICATIONS, CLIENTS, ENVIRONMENTS, TEAMS, user_names
from tests.traffic.plan import HIT, Floats, Ints, Plan
from tests.traffic.prices import PRICE_IDS

_SOURCES = ("provider", "partial", "estimated", "none")
_NOTES = ("", "total_tokens is not the sum of its parts; the parts are kept", "estimated from the texts")
_SESSIONS = ("support-chat", "code-assist", "research-agent")


def table(rng: np.random.Generator, plan: Plan, start: datetime, users: int) -> pa.Table:
    """The rows of that plan."""
    tokens = tokens_of(rng, plan)
    times = times_of(rng, plan, tokens)
    started_us = int(start.timestamp() * 1e6) + np.round(starts_of(rng, plan, times) * 1e6).astype(np.int64)
    columns = _identity(rng, plan, started_us, users) | _what(rng, plan, tokens) | _end(plan, tokens)
    columns |= _counts(tokens) | _money(plan, tokens) | _latency(plan, times) | _sizes(rng, tokens)
    return pa.table(columns)


def _identity(rng: np.random.Generator, plan: Plan, started_us: Ints, users: int) -> dict[str, object]:
    count = len(plan.trace)
    _, of_trace = np.unique(plan.trace, return_inverse=True)
    traces = arrow.hexadecimal(rng.integers(0, 256, (of_trace[-1] + 1, 16), np.uint8))
    dashed = np.isin(np.array([each.door for each in APPLICATIONS])[plan.application], ("prompts",))
    # A repeated call has the span of the first try.
    tries = np.flatnonzero(plan.attempt == 0)
    of_try = np.searchsorted(tries, np.arange(count), "right") - 1
    spans = arrow.hexadecimal(rng.integers(0, 256, (count, 8), np.uint8))[tries][of_try]
    root = tries[np.searchsorted(plan.trace[tries], plan.trace)]
    agents = np.array([each.name == "research-agent" for each in APPLICATIONS])[plan.application]
    id_bytes = rng.integers(0, 256, (count, 16), np.uint8)
    id_bytes[:, :6] = (started_us // 1000).astype(">u8").view(np.uint8).reshape(-1, 8)[:, 2:]
    id_bytes[:, 6] = id_bytes[:, 6] & 0x0F | 0x70
    id_bytes[:, 8] = id_bytes[:, 8] & 0x3F | 0x80
    hex_ids = traces[of_trace]
    # Agents send spans of their own (content.py): theirs is the root, with the beginning of the trace id as its id.
    parent = np.where(agents, hex_ids.astype("S16"), np.where(plan.place > 0, spans[root], b""))
    names = np.array([*user_names(users), ""])
    team = np.where(plan.user < 0, 2, plan.user * 7919 % 101 % len(TEAMS))
    environment = _environment(rng, plan)
    user = names[plan.user]
    known = plan.user >= 0
    everyone = np.ones(count, bool)
    applications = np.array([each.name for each in APPLICATIONS])
    metadata = [np.array(TEAMS)[team], np.array(ENVIRONMENTS)[environment], applications[plan.application], user]
    return {
        "call_id": arrow.texts(arrow.dashed(arrow.hexadecimal(id_bytes))),
        "started_at": pa.array(started_us).cast(pa.timestamp("us", "UTC")),
        "trace_id": arrow.texts(np.where(dashed, arrow.dashed(hex_ids), hex_ids)),
        "span_id": arrow.texts(spans),
        "parent_span_id": arrow.texts(parent),
        "span_name": arrow.coded(plan.application, applications),
        "otel_trace_id": arrow.texts(hex_ids),
        "otel_span_id": arrow.texts(spans),
        "otel_parent_span_id": arrow.texts(parent),
        "attempt": pa.array(plan.attempt),
        "user": pa.array(user),
        "session_id": _sessions(plan, user, started_us),
        "metadata": arrow.maps(("team", "environment", "feature", "_user"), metadata, (everyone, everyone, everyone, known)),
        "client": arrow.coded(plan.application * 3 % len(CLIENTS), CLIENTS),
        "key_id": arrow.coded(team, [f"key_{name}" for name in TEAMS]),
        "key_hash": arrow.coded(team, [f"{number * 0x9E3779B97F4A7C15 % 2**64:016x}" for number in range(1, len(TEAMS) + 1)]),
    }


def _environment(rng: np.random.Generator, plan: Plan) -> Ints:
    shares = np.cumsum(np.array([each.environments for each in APPLICATIONS]), axis=1)[plan.application]
    first = np.searchsorted(plan.trace, plan.trace)  # the same for a whole trace
    found: Ints = (rng.random(len(plan.trace))[first][:, None] > shares).sum(axis=1).clip(max=len(ENVIRONMENTS) - 1)
    return found


def _sessions(plan: Plan, user: NDArray[np.str_], started_us: Ints) -> object:
    """One for each user and application within two hours."""
    kept = (plan.user >= 0) & np.isin([each.name for each in APPLICATIONS], _SESSIONS)[plan.application]
    hours = started_us // (7200 * 10**6)
    return pa.array(
        [
            f"{name}-{number}-{hour:x}" if has else ""
            for name, number, hour, has in zip(
                user.tolist(), plan.application.tolist(), hours.tolist(), kept.tolist(), strict=True
            )
        ]
    )


def _what(rng: np.random.Generator, plan: Plan, tokens: Tokens) -> dict[str, object]:
    count = len(plan.model)
    refused = named(plan, "refused")
    answered = tokens.known
    everything = plan.model + 1
    asked_of = np.where(refused, 0, everything)
    embeds = np.array([each.embeds for each in MODELS])[plan.model]
    marks = sorted({version.fingerprint for each in MODELS for version in each.versions})
    most = max(len(each.versions) for each in MODELS)
    table = np.array([[marks.index(v.fingerprint) for v in m.versions] + [0] * (most - len(m.versions)) for m in MODELS])
    anthropic = np.array([each.provider == "anthropic" for each in MODELS])[plan.model]
    prompts = np.array([each.door == "prompts" for each in APPLICATIONS])[plan.application]
    endpoints = (
        "/v1/chat/completions",
        "/v1/embeddings",
        "/v1/messages",
        *(f"/v1/prompts/{a.prompt}/completions" for a in APPLICATIONS),
    )
    endpoint = np.where(prompts, plan.application + 3, np.where(embeds, 1, np.where(anthropic, 2, 0)))
    response_ids = np.char.add(b"chatcmpl-", arrow.hexadecimal(rng.integers(0, 256, (count, 12), np.uint8)))
    pool = rng.integers(0, 40_000, count) * 2_654_435_761
    hashed = np.where(plan.cached, pool, rng.integers(0, 2**62, count)).view(np.uint8).reshape(-1, 8)
    temperature = np.array([-1 if each.temperature is None else each.temperature for each in APPLICATIONS])[plan.application]
    hit = plan.ending == HIT
    return {
        "door": arrow.coded(np.where(prompts, 1, np.where(anthropic, 2, 0)), ("openai", "prompts", "anthropic")),
        "operation": arrow.coded(embeds.astype(int), ("chat", "embeddings")),
        "endpoint": arrow.coded(endpoint, endpoints),
        "method": arrow.coded(np.zeros(count, int), ("POST",)),
        "provider": arrow.coded(asked_of, ("", *(each.provider for each in MODELS))),
        "upstream": arrow.coded(asked_of, ("", *(each.upstream for each in MODELS))),
        "request_model": arrow.coded(asked_of, ("", *(each.asked for each in MODELS))),
        "response_model": arrow.coded(np.where(answered, everything, 0), ("", *(each.answered for each in MODELS))),
        "response_id": arrow.texts(np.where(answered, response_ids, b"")),
        "system_fingerprint": arrow.coded(np.where(answered, table[plan.model, plan.version], marks.index("")), marks),
        "service_tier": arrow.coded((answered & (asked_of > 0) & (plan.model < 5)).astype(int), ("", "default")),
        "stream": pa.array(plan.stream & ~refused),
        "temperature": arrow.optional(temperature, temperature >= 0),
        "max_tokens": arrow.optional(np.full(count, 4096), anthropic),
        "seed": arrow.optional(np.full(count, 42), temperature == 0),
        "tools": arrow.lists(plan.application, [each.tools for each in APPLICATIONS]),
        "prompt_id": arrow.coded(plan.application, [each.prompt for each in APPLICATIONS]),
        "prompt_version": _prompt_versions(plan),
        "cache_status": arrow.coded(np.where(hit, 2, plan.cached.astype(int)), ("DISABLED", "MISS", "HIT")),
        "request_hash": arrow.texts(arrow.hexadecimal(hashed)),
    }


def _prompt_versions(plan: Plan) -> object:
    words = sorted({name for each in APPLICATIONS for name, _ in each.versions} | {""})
    found = np.full(len(plan.model), words.index(""))
    for number, each in enumerate(APPLICATIONS):
        of_this = plan.application == number
        if each.versions:
            days = [day for _, day in each.versions]
            place = np.searchsorted(days, plan.day[of_this], "right") - 1
            found[of_this] = np.array([words.index(name) for name, _ in each.versions])[place]
    return arrow.coded(found, words)


def _end(plan: Plan, tokens: Tokens) -> dict[str, object]:
    ending = ending_of(plan)
    status = np.array([200, 200, *(each.status for each in FAILURES)])
    kinds = ("", "", *(each.error_type for each in FAILURES))
    hosts = [each.upstream for each in MODELS]
    words = ["", "", *(each.message.replace("{host}", host) for each in FAILURES for host in hosts)]
    word = np.where(plan.ending < 0, 0, plan.ending * len(hosts) + plan.model + 2)
    embeds = np.array([each.embeds for each in MODELS])[plan.model]
    tools = np.array([bool(each.tools) for each in APPLICATIONS])[plan.application] & (tokens.text % 3 == 0)
    long = tokens.text % 29 == 0
    cut = tokens.known & ~tokens.whole
    reason = np.where(~tokens.known | embeds, 0, np.where(cut, 4, np.where(tools, 2, np.where(long, 3, 1))))
    return {
        "outcome": arrow.coded(ending, ENDINGS),
        "status_code": pa.array(status[ending].astype(np.uint16)),
        "error_type": arrow.coded(ending, kinds),
        "error_message": arrow.coded(word, words),
        "finish_reasons": arrow.lists(reason, ((), ("stop",), ("tool_calls",), ("length",), ("error",))),
    }


def _counts(tokens: Tokens) -> dict[str, object]:
    known, input_tokens = tokens.known, tokens.uncached + tokens.read + tokens.written
    output = tokens.text + tokens.reasoning
    zero = np.zeros(len(known), np.int64)
    numbers = {
        "uncached_input_tokens": tokens.uncached,
        "cache_read_tokens": tokens.read,
        "cache_write_tokens": tokens.written,
        "audio_input_tokens": zero,
        "image_input_tokens": zero,
        "text_output_tokens": tokens.text,
        "reasoning_tokens": tokens.reasoning,
        "audio_output_tokens": zero,
        "input_tokens": input_tokens,
        "output_tokens": output,
        "total_tokens": input_tokens + output,
    }
    told = known & (_sources(tokens) < 2)
    raw = [
        f'{{"prompt_tokens":{a},"completion_tokens":{b},"prompt_tokens_details":{{"cached_tokens":{c}}}}}' if has else ""
        for a, b, c, has in zip(input_tokens.tolist(), output.tolist(), tokens.read.tolist(), told.tolist(), strict=True)
    ]
    odd = tokens.whole & (tokens.text % 211 == 0)
    return {
        **{name: arrow.optional(values, known) for name, values in numbers.items()},
        "usage_source": arrow.coded(_sources(tokens), _SOURCES),
        "usage_raw": pa.array(raw),
        "usage_note": arrow.coded(np.where(odd, 1, np.where(_sources(tokens) == 2, 2, 0)), _NOTES),
    }


def _sources(tokens: Tokens) -> Ints:
    """Of a stream that was cut, the provider's figure so far or an estimate."""
    cut = np.where(tokens.text % 2 == 0, 2, 1)
    return np.where(tokens.whole, 0, np.where(tokens.known, cut, 3))


def _money(plan: Plan, tokens: Tokens) -> dict[str, object]:
    """In 10^-12 dollars, so that a price in dollars for a million tokens is a whole number."""
    asked, cached, answered = (
        np.round(of_model(name, plan) * 1e6).astype(np.int64) for name in ("input_usd", "cached_usd", "output_usd")
    )
    priced = np.array([each.input_usd is not None for each in MODELS])[plan.model]
    known = tokens.known & priced
    for_input = tokens.uncached * asked + tokens.read * cached + tokens.written * (asked * 5 // 4)
    for_output = (tokens.text + tokens.reasoning) * answered
    hit = plan.ending == HIT
    wasted = named(plan, "client_gone", "stream_error") & known
    whole = for_input + for_output
    zero = np.zeros(len(whole), np.int64)
    source = np.where(known, 0, np.where(tokens.known, 1, 2))
    words = ("genai-prices 0.2.3", "none: no price for this model", "none: no usage reported")
    return {
        "cost_usd": arrow.money(np.where(hit, zero, whole), known),
        "input_cost_usd": arrow.money(np.where(hit, zero, for_input), known),
        "output_cost_usd": arrow.money(np.where(hit, zero, for_output), known),
        "saved_usd": arrow.money(whole, known & hit),
        "wasted_usd": arrow.money(whole, wasted),
        "price_source": arrow.coded(source, words),
        "price_id": arrow.coded(np.where(known, plan.model + 1, 0), ("", *PRICE_IDS)),
    }


def _latency(plan: Plan, times: Times) -> dict[str, object]:
    count = len(plan.model)
    gaps, at = times.gaps, times.streamed
    has = np.zeros(count, bool)
    has[at] = True
    lengths = np.zeros(count, np.int64)
    lengths[at] = gaps.buckets
    digest = np.zeros((count, gaps.digest.shape[1]), np.uint32)
    digest[at] = gaps.digest

    def of_streams(values: Floats | Ints, kind: type = np.float64) -> object:
        spread = np.zeros(count, kind)
        spread[at] = values
        return arrow.optional(spread, has)

    sent = ~named(plan, "refused") & (plan.ending != HIT)
    return {
        "duration_ms": pa.array(np.round(times.duration, 6)),
        "upstream_connect_ms": arrow.optional(np.round(times.connect, 6), (times.connect > 0) & sent),
        "headers_ms": arrow.optional(np.round(times.first_byte * 0.97, 6), times.first_byte > 0),
        "ttfb_ms": arrow.optional(np.round(times.first_byte, 6), times.first_byte > 0),
        "ttft_ms": arrow.optional(np.round(times.first_token, 6), times.first_token > 0),
        "itl_p50_ms": of_streams(gaps.p50_ms),
        "itl_p95_ms": of_streams(gaps.p95_ms),
        "itl_max_ms": of_streams(gaps.max_ms),
        "stalls": of_streams(gaps.stalls, np.int64),
        "itl_digest": arrow.ragged(digest, lengths, pa.uint32()),
        "proxy_us": arrow.optional(times.proxy_us, sent),
        "client_gone_ms": arrow.optional(np.round(times.gone, 6), times.gone > 0),
    }


def _sizes(rng: np.random.Generator, tokens: Tokens) -> dict[str, object]:
    count = len(tokens.known)
    asked = (tokens.uncached + tokens.read + tokens.written) * 4 + 180
    answered = np.where(tokens.known, (tokens.text + tokens.reasoning) * 34 + 420, 190)
    return {
        "request_bytes": pa.array(asked.astype(np.uint64)),
        "response_bytes": pa.array(answered.astype(np.uint64)),
        "truncated": pa.array(rng.random(count) < 0.001),
    }
