"""Calls whose provider told no tokens, or only the first of them."""

from decimal import Decimal
from statistics import median
from typing import Any

import orjson
import pytest

from tests.conformance.estimates import errors, nine_of_ten
from tests.sink.exchanges import body, chunk, exchange, sse
from tracer.records import Body, Call, Outcome, UsageSource
from tracer.sink import price
from tracer.sink.decode import decode

BOOK = price.load(None)
SSE = "text/event-stream"
REQUEST = orjson.dumps({"model": "gpt-4o", "stream": True, "messages": [{"role": "user", "content": "Name a river, please."}]})
INPUT = 6 + 4 + 3  # "Name a river, please." and what is around it
SAID = [chunk("Once upon a time"), chunk(" there was an owl")]  # 4 and 4 tokens
LEFT: dict[str, Any] = {"outcome": Outcome.CLIENT_GONE, "client_gone_ns": 5}


def read(response: bytes | Body, request: bytes = REQUEST, **other: Any) -> Call:
    return decode(exchange(response, request, **{"media": SSE, **other}), BOOK)


def tokens(call: Call) -> tuple[str, int | None, int | None]:
    return call.usage_source, call.input_tokens, call.output_tokens


@pytest.mark.parametrize("outcome", [Outcome.OK, Outcome.CLIENT_GONE, Outcome.TIMEOUT, Outcome.STREAM_ERROR])
def test_a_stream_that_was_cut_before_any_usage(outcome: Outcome) -> None:
    call = read(sse(*SAID, done=False), outcome=outcome)
    assert tokens(call) == (UsageSource.ESTIMATED, INPUT, 8)
    assert (call.uncached_input_tokens, call.text_output_tokens, call.total_tokens) == (INPUT, 8, INPUT + 8)
    assert call.usage_note == "estimated: output by o200k_base; input by o200k_base and 4 a message"
    assert call.usage_raw == ""
    assert call.price_source.startswith("genai-prices")
    assert call.wasted_usd == call.cost_usd == (INPUT * Decimal("0.15") + 8 * Decimal("0.6")) / 10**6


def test_a_provider_that_tells_no_usage() -> None:
    call = read(sse(*SAID, chunk(finish_reason="stop")))
    assert tokens(call) == (UsageSource.ESTIMATED, INPUT, 8)
    assert call.wasted_usd is None
    assert call.cost_usd is not None
    plain = read(orjson.dumps({"choices": [{"message": {"content": "Once upon a time"}}]}), media="application/json")
    assert tokens(plain) == (UsageSource.ESTIMATED, INPUT, 4)


def test_reasoning_that_can_be_seen_is_its_own_bucket() -> None:
    call = read(sse(chunk(delta={"reasoning_content": "Once upon a time"}), chunk("Once"), done=False), **LEFT)
    assert (call.reasoning_tokens, call.text_output_tokens, call.output_tokens) == (4, 1, 5)


def test_a_client_that_left_before_the_head_of_the_reply() -> None:
    call = read(b"", status=0, **LEFT)
    assert tokens(call) == (UsageSource.ESTIMATED, INPUT, 0)
    assert call.usage_note.startswith("estimated: no output arrived; ")
    assert call.wasted_usd == call.cost_usd


@pytest.mark.parametrize(
    "other",
    [
        {"status": 502, "sent_ns": 0, "outcome": Outcome.UPSTREAM_ERROR, "error_type": "connect_refused"},
        {"status": 0, "sent_ns": 0, **LEFT},
        {"status": 429, "media": "application/json"},
        {"status": 500, "media": "application/json", "outcome": Outcome.CLIENT_GONE},
        {"outcome": Outcome.REFUSED, "sent_ns": 0, "status": 400},
        {"method": "GET"},
        {"path": "/v1/audio/speech"},
        {"path": "/v1/messages/count_tokens"},
    ],
)
def test_what_was_not_billed_is_not_estimated(other: dict[str, Any]) -> None:
    call = read(b"", **other)
    assert tokens(call) == (UsageSource.NONE, None, None)
    assert (call.cost_usd, call.wasted_usd, call.usage_note) == (None, None, "")


def test_an_error_before_the_first_token_is_a_refusal() -> None:
    call = read(sse({"error": {"type": "overloaded", "message": "busy"}}, done=False))
    assert (call.outcome, *tokens(call)) == (Outcome.STREAM_ERROR, UsageSource.NONE, None, None)
    late = read(sse(*SAID, {"error": {"type": "overloaded", "message": "busy"}}, done=False))
    assert (late.outcome, *tokens(late)) == (Outcome.STREAM_ERROR, UsageSource.ESTIMATED, INPUT, 8)


STARTED = {
    "type": "message_start",
    "message": {"model": "claude-sonnet-4-5", "usage": {"input_tokens": 900, "output_tokens": 2}},
}
TEXT = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Once upon a time there was an owl"}}


def anthropic(*events: Any, **other: Any) -> Call:
    return read(sse(*events, done=False), path="/v1/messages", provider="anthropic", **{**LEFT, **other})


def test_a_partial_figure_stands_and_the_larger_output_counts() -> None:
    call = anthropic(STARTED, TEXT)
    assert tokens(call) == (UsageSource.PARTIAL, 900, 9)  # 8 × 1.18
    assert (call.text_output_tokens, call.total_tokens) == (9, 909)
    assert (
        call.usage_note == "the stream was cut: the provider had told 2 of output, of what arrived: output by o200k_base × 1.18"
    )
    assert orjson.loads(call.usage_raw) == {"input_tokens": 900, "output_tokens": 2}
    assert call.wasted_usd == call.cost_usd == (900 * Decimal(3) + 9 * Decimal(15)) / 10**6
    told = anthropic(STARTED, TEXT, {"type": "message_delta", "delta": {}, "usage": {"output_tokens": 40}})
    assert tokens(told) == (UsageSource.PARTIAL, 900, 40)
    assert told.usage_note == ""


def test_without_content_events_are_counted() -> None:
    call = read(sse(*SAID, done=False), content=False, **LEFT)
    assert tokens(call) == (UsageSource.ESTIMATED, None, 2)
    assert call.usage_note == (
        "estimated: output by one for each event that carried some; the input is unknown, as content is not kept"
    )
    assert (call.cost_usd, call.price_source) == (None, "none: the provider did not report input tokens")
    assert tokens(anthropic(STARTED, TEXT, TEXT, TEXT, content=False)) == (UsageSource.PARTIAL, 900, 3)


def test_what_cannot_be_counted_is_told() -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    request = {
        "model": "gpt-4o",
        "messages": [{"role": "user", "content": [picture, picture]}],
        "tools": [{"type": "web_search"}],
    }
    call = read(sse(*SAID, done=False), orjson.dumps(request), **LEFT)
    assert call.usage_note.endswith("; without 2 images or other media; without what hosted tools add")


def test_copies_that_lack_their_middle() -> None:
    whole = sse(*SAID * 100, done=False)
    cut = Body(whole[: len(whole) // 4], whole[-len(whole) // 4 :], len(whole), True)
    call = read(cut, **LEFT)
    assert call.output_tokens == pytest.approx(800, rel=0.05)
    assert "of a copy without its middle" in call.usage_note
    long = Body(b'{"messages":[{"content":"', b'"}]}', 40_000, True)
    assert read(sse(*SAID, done=False), long, **LEFT).input_tokens == 10_000  # type: ignore[arg-type]


def test_a_reply_that_broke_off_is_counted_as_it_stands() -> None:
    call = read(b'{"choices":[{"message":{"content":"Once upon a time', media="application/json")
    assert tokens(call)[0] == UsageSource.ESTIMATED
    assert call.output_tokens == pytest.approx(12, abs=3)
    assert call.error_type == "malformed_body"


def test_embeddings_have_no_output() -> None:
    request = orjson.dumps({"model": "text-embedding-3-small", "input": "Name a river, please."})
    call = read(b'{"data":[]}', request, path="/v1/embeddings", media="application/json")
    assert (call.usage_source, call.output_tokens) == (UsageSource.ESTIMATED, 0)
    assert call.input_tokens


def test_an_answer_from_the_cache_wastes_nothing() -> None:
    usage = {"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2}}
    call = read(sse(*SAID, usage), cache_status="HIT", outcome=Outcome.CLIENT_GONE, sent_ns=0)
    assert (call.cost_usd, call.wasted_usd) == (0, None)


def test_what_the_provider_told_is_left_alone() -> None:
    usage = {"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2}}
    call = read(sse(*SAID, usage), **LEFT)
    assert (tokens(call), call.usage_note) == ((UsageSource.PROVIDER, 1, 2), "")
    assert call.wasted_usd == call.cost_usd


def test_a_body_that_makes_no_sense_does_not_raise() -> None:
    for request in (b"", b"[1]", b"\xff", b'{"messages":7}'):
        assert read(sse(*SAID, done=False), request, **LEFT).output_tokens == 8
    assert read(body(b"\xff\xfe"), **LEFT).usage_source in UsageSource


def test_estimates_are_near_what_providers_tell() -> None:
    found: dict[str, list[float]] = {}
    for error in errors():
        found.setdefault(error.side, []).append(error.off)
    assert len(found["output"]) > 900
    assert abs(median(found["output"])) < 0.02
    assert nine_of_ten(found["output"]) < 0.5
    assert abs(median(found["input"])) < 0.05
    assert abs(median(found["input, tools"])) < 0.05
