"""Every recorded exchange, whichever dialect it is in, against what can be known of it in another way (oracle.py)."""

import random
from array import array
from collections import Counter
from itertools import pairwise
from typing import Any

import orjson
from msgspec.structs import replace

from tests.conformance.recorded import rows_of, share_priced
from tests.sink.exchanges import chunks, corpus, provider_of, replay
from tests.sink.oracle import is_stream, stated_model, stated_reasons, stated_usage
from tests.sink.test_conformance import TIMES
from tracer.blank import StreamBlanker, blank_json
from tracer.framing import framing_of
from tracer.media import replace_media
from tracer.records import Call, Outcome, UsageSource
from tracer.sink import price
from tracer.sink.decode import decode

BOOK = price.load(None)


def without_media(text: str) -> str:
    return replace_media(text.encode(), array("I"))[0].decode()


def inputs(call: Call) -> tuple[int | None, ...]:
    fresh, cached = call.uncached_input_tokens, (call.cache_read_tokens, call.cache_write_tokens)
    return (fresh, *cached, call.audio_input_tokens, call.image_input_tokens)


def outputs(call: Call) -> tuple[int | None, ...]:
    return (call.text_output_tokens, call.reasoning_tokens, call.audio_output_tokens)


def test_usage_is_read_wherever_there_is_one_and_adds_up() -> None:
    with_usage = 0
    for recorded in corpus():
        call = decode(replay(recorded), BOOK)
        stated = stated_usage(recorded)
        if stated is None:
            assert call.usage_source in (UsageSource.NONE, UsageSource.ESTIMATED), recorded["id"]
            assert call.usage_raw == ""
            continue
        with_usage += 1
        assert call.usage_source == UsageSource.PROVIDER, recorded["id"]
        assert (call.input_tokens, call.output_tokens) == (stated.input, stated.output), recorded["id"]
        assert stated.total in (None, call.total_tokens), recorded["id"]
        assert sum(part or 0 for part in inputs(call)) == (call.input_tokens or 0)
        assert sum(part or 0 for part in outputs(call)) == (call.output_tokens or 0)
        if call.total_tokens is not None:
            assert call.total_tokens == (call.input_tokens or 0) + (call.output_tokens or 0)
        if call.input_cost_usd is not None and call.output_cost_usd is not None:
            assert call.input_cost_usd + call.output_cost_usd == call.cost_usd
        assert (call.cost_usd is None) == call.price_source.startswith("none: ")
    assert with_usage > 1500


def test_the_raw_usage_is_the_providers() -> None:
    for recorded in corpus():
        stated = stated_usage(recorded)
        if stated is not None:
            raw = orjson.loads(decode(replay(recorded), BOOK).usage_raw)
            kept = {key: stated.raw.get(key) for key in raw} if "results" not in raw else raw
            assert raw == kept, recorded["id"]
            assert not {"content", "message", "response", "outputText", "context"} & raw.keys()


def test_models_and_finish_reasons_are_found() -> None:
    for recorded in corpus():
        if recorded["status"] == 200 and stated_usage(recorded) is not None:
            call = decode(replay(recorded), BOOK)
            assert call.response_model == stated_model(recorded), recorded["id"]
            assert call.request_model or call.response_model, recorded["id"]
            assert set(call.finish_reasons) - {""} == stated_reasons(recorded), recorded["id"]


NOTED = {
    ("anthropic", "tokens of claude-opus-4-8 are billed beside"),
    ("anthropic", "tokens of claude-fable-5 are billed beside"),
    ("openrouter", "11 reasoning and audio tokens in an output of 10"),
}


def test_only_what_is_strange_is_noted() -> None:
    found = {(provider_of(recorded), note) for recorded in corpus() if (note := decode(replay(recorded), BOOK).usage_note)}
    found = {(who, note) for who, note in found if not note.startswith("estimated: ")}
    assert all(any(who == provider and text in note for provider, text in NOTED) for who, note in found), found
    assert len(found) == len(NOTED)


def test_calls_of_commercial_providers_are_priced() -> None:
    rows = rows_of(corpus(), BOOK)
    assert not [name for row in rows.values() for name in row.misread]
    priced, sold = share_priced(rows)
    assert sold > 1400
    assert priced / sold >= 0.95, {provider: row.unpriced for provider, row in rows.items() if row.unpriced}


def test_good_streams_are_not_called_broken() -> None:
    ends: Counter[tuple[str, str]] = Counter()
    for recorded in corpus():
        if is_stream(recorded):
            call = decode(replay(recorded), BOOK)
            ends[call.outcome, call.error_type] += 1
            assert call.stream, recorded["id"]
    assert ends.pop((Outcome.OK, "")) > 260
    # Groq refuses a tool call inside a 200; OpenRouter passes on an error of the provider behind it.
    assert ends == {(Outcome.STREAM_ERROR, "tool_use_failed"): 1, (Outcome.STREAM_ERROR, "400"): 1}


def test_streams_that_stop_before_their_end_are_cut() -> None:
    """Half of a stream is no whole answer, in any dialect; only Writer's completions never say when they end."""
    cut: Counter[str] = Counter()
    for recorded in corpus():
        if is_stream(recorded) and "/v1/completions" not in recorded["path"]:
            text = recorded["response"]
            half = {**recorded, "response": text[: text.rfind("\n", 0, len(text) // 2) + 1]}
            call = decode(replay(half), BOOK)
            if not stated_reasons(half):
                assert call.outcome == Outcome.STREAM_ERROR, recorded["id"]
                assert call.error_type in ("truncated_stream", "tool_use_failed", "400"), recorded["id"]
                cut[provider_of(recorded)] += 1
    assert cut.total() > 180
    assert len(cut) >= 10


def test_errors_have_a_type_and_a_message() -> None:
    for recorded in corpus():
        if recorded["status"] >= 400:
            call = decode(replay(recorded), BOOK)
            assert call.outcome == Outcome.UPSTREAM_ERROR
            assert call.error_type
            assert call.error_message, recorded["id"]


def test_streams_have_their_first_token_timed() -> None:
    for recorded in corpus():
        if is_stream(recorded) and "failed" not in recorded["response"]:
            call = decode(replay(recorded), BOOK)
            assert call.ttft_ms is not None, recorded["id"]
            assert call.ttft_ms >= (call.ttfb_ms or 0)
            assert call.finish_reasons or "value" in recorded["response"] or "snowflake" in recorded["host"]


def test_every_recorded_exchange_is_read_without_an_error() -> None:
    for recorded in corpus():
        call = decode(replay(recorded), BOOK)
        assert call.content is not None
        assert call.content.response_body == without_media(recorded["response"])


def test_any_cut_of_a_streams_bytes_gives_the_same_call() -> None:
    chance = random.Random(5)
    untimed = dict.fromkeys(TIMES)
    for recorded in corpus():
        if is_stream(recorded):
            size = len(recorded["response"].encode())
            cuts = sorted({0, size, *(chance.randrange(size) for _ in range(9))})
            lengths = [end - start for start, end in pairwise(cuts)]
            whole, cut = (decode(replay(recorded, chunks=chunks(parts)), BOOK) for parts in ([size], lengths))
            assert replace(whole, **untimed) == replace(cut, **untimed), recorded["id"]


KEPT = [
    *("request_model", "response_model", "response_id", "system_fingerprint", "service_tier", "user", "stream"),
    *("temperature", "top_p", "max_tokens", "seed", "n", "tools", "operation", "outcome", "error_type"),
    *("finish_reasons", "ttft_ms", "itl_p50_ms", "itl_max_ms", "itl_digest", "usage_source", "cost_usd"),
    *("price_source", "uncached_input_tokens", "cache_read_tokens", "cache_write_tokens", "audio_input_tokens"),
    *("image_input_tokens", "text_output_tokens", "reasoning_tokens", "audio_output_tokens", "input_tokens"),
    *("output_tokens", "total_tokens", "cached_audio_tokens", "cache_write_1h_tokens", "image_output_tokens"),
    *("web_searches", "usage_note"),
]
# An estimate knows less of a call whose text is not there.
UNCOUNTED = KEPT[: KEPT.index("usage_source")]


def blank_bodies(recorded: dict[str, Any]) -> dict[str, str]:
    return {name: blank_json(recorded[name].encode()).decode() for name in ("request", "response")}


def test_a_blanked_document_gives_the_same_columns() -> None:
    for recorded in corpus():
        bare = blank_bodies(recorded)
        if is_stream(recorded) or not bare["response"]:  # it was not JSON to begin with
            continue
        full, call = decode(replay(recorded), BOOK), decode(replay({**recorded, **bare}, content=False), BOOK)
        for column in KEPT if full.usage_source == UsageSource.PROVIDER else UNCOUNTED:
            assert getattr(call, column) == getattr(full, column), (recorded["id"], column)


def test_a_blanked_stream_gives_the_same_columns_and_times() -> None:
    for recorded in corpus():
        if not is_stream(recorded):
            continue
        wire = recorded["response"].encode()
        framing = framing_of(recorded["content_type"].partition(";")[0], wire)
        assert framing is not None
        blanker = StreamBlanker(framing)
        pieces = [wire[start : start + 97] for start in range(0, len(wire), 97)]
        blank = [blanker.feed(piece) for piece in pieces]
        blank[-1] += blanker.close()
        bare = {**recorded, **blank_bodies(recorded), "response": b"".join(blank).decode()}
        full = decode(replay(recorded, chunks=chunks([len(piece) for piece in pieces])), BOOK)
        call = decode(replay(bare, chunks=chunks([len(piece) for piece in blank]), content=False), BOOK)
        for column in KEPT if full.usage_source == UsageSource.PROVIDER else UNCOUNTED:
            assert getattr(call, column) == getattr(full, column), (recorded["id"], column)
