"""One body for each way in which providers differ, written by hand after their documentation; see tests/conformance."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.conformance.bodies import CASES, media_of, pieces_of
from tests.sink.exchanges import chunks, exchange
from tracer.blank import StreamBlanker, blank_json
from tracer.framing import framing_of
from tracer.records import Body, Call
from tracer.sink import price
from tracer.sink.decode import decode

BOOK = price.load(None)
STREAMS = [name for name, case in CASES.items() if "events" in case]
TIMES = ("ttft_ms", "itl_p50_ms", "itl_p95_ms", "itl_max_ms", "itl_digest", "stalls", "content")


def check(call: Call, expected: dict[str, Any], but: tuple[str, ...] = ()) -> None:
    for column, value in expected.items():
        if column in but:
            continue
        got = getattr(call, column)
        if isinstance(got, Decimal):
            value = Decimal(value)
        assert (list(got) if isinstance(got, tuple) else got) == value, column


def read(case: dict[str, Any], request: bytes, pieces: Sequence[bytes], **other: Any) -> Call:
    """The call that these pieces of a reply make, 10 ms apart."""
    headers = (("content-type", media_of(case)), *case.get("headers", {}).items())
    return decode(
        exchange(
            b"".join(pieces),
            request,
            path=case["path"],
            status=case.get("status", 200),
            provider=case["provider"],
            response_headers=headers,
            chunks=chunks([len(piece) for piece in pieces]),
            **other,
        ),
        BOOK,
    )


def request_of(case: dict[str, Any]) -> bytes:
    return orjson.dumps(case["request"])


@pytest.mark.parametrize("name", CASES)
def test_read_as_expected(name: str) -> None:
    case = CASES[name]
    call = read(case, request_of(case), pieces_of(case))
    check(call, case["expected"])
    if call.input_cost_usd is not None and call.output_cost_usd is not None:
        assert call.input_cost_usd + call.output_cost_usd == call.cost_usd


@pytest.mark.parametrize("name", CASES)
def test_buckets_add_up(name: str) -> None:
    case = CASES[name]
    call = read(case, request_of(case), pieces_of(case))
    given_ = (call.uncached_input_tokens, call.cache_read_tokens, call.cache_write_tokens)
    given_ += (call.audio_input_tokens, call.image_input_tokens)
    made = (call.text_output_tokens, call.reasoning_tokens, call.audio_output_tokens)
    for total, parts in ((call.input_tokens, given_), (call.output_tokens, made)):
        assert sum(part or 0 for part in parts) == (total or 0)
        assert (total is None) == (parts[0] is None)
    assert (call.cached_audio_tokens or 0) <= (call.cache_read_tokens or 0)
    assert (call.cache_write_1h_tokens or 0) <= (call.cache_write_tokens or 0)
    assert (call.image_output_tokens or 0) <= (call.text_output_tokens or 0)


@pytest.mark.parametrize("name", CASES)
def test_read_the_same_without_its_text(name: str) -> None:
    case = CASES[name]
    pieces = pieces_of(case)
    framing = framing_of(media_of(case), b"".join(pieces))
    if framing is None:
        blank = [blank_json(pieces[0])]
    else:
        blanker = StreamBlanker(framing)
        blank = [blanker.feed(piece) for piece in pieces]
        blank[-1] += blanker.close()
    call = read(case, blank_json(request_of(case)), blank, content=False)
    check(call, case["expected"], but=("error_message", "extra_parameters"))
    assert call.content is None
    assert call.error_message == "" or call.error_type == "truncated_stream"


FRAME = ("response_model", "finish_reasons", "usage_source", "input_tokens", "output_tokens", "cache_read_tokens", "usage_note")
WHOLE = [name for name, case in CASES.items() if isinstance(case.get("response"), dict) and "status" not in case]


@pytest.mark.parametrize("at", [0, 1, 2, 100])
@pytest.mark.parametrize("name", WHOLE)
def test_a_document_whose_middle_was_not_kept(name: str, at: int) -> None:
    """Whatever stands whole before or behind the gap is found; Titan's and others' figures stand in what may be cut."""
    case = CASES[name]
    items = list(case["response"].items())
    wire = orjson.dumps({**dict(items[:at]), "output_text": "words " * 500, **dict(items[at:])})
    middle = wire.index(b"words words")
    kept = Body(wire[: middle + 20], wire[middle + 2000 :], len(wire), True)
    headers = (("content-type", "application/json"), *case.get("headers", {}).items())
    sent = {"path": case["path"], "provider": case["provider"], "response_headers": headers}
    call = decode(exchange(kept, request_of(case), **sent), BOOK)
    whole = decode(exchange(wire, request_of(case), **sent), BOOK)
    if name not in UNSEEN_BEHIND_A_GAP:
        for column in FRAME:
            assert getattr(call, column) == getattr(whole, column), column


# What is lost with the middle of a document: figures that stand in a list, or usage that only its place tells.
UNSEEN_BEHIND_A_GAP = {
    "bedrock_titan": "the output's count stands in a list",
    "vertex_predict": "the counts stand in a list",
    "bedrock_jurassic": "the reason stands in an object in a list",
    "error_in_a_200": "an error is not looked for in pieces of JSON: any text may hold one",
    "unknown_usage": "there is no telling a usage from other objects in pieces of JSON",
}


@pytest.mark.parametrize("name", STREAMS)
@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_cut_of_the_bytes_gives_the_same_call(name: str, data: st.DataObject) -> None:
    case = CASES[name]
    whole = b"".join(pieces_of(case))
    cuts = sorted(data.draw(st.sets(st.integers(1, len(whole) - 1), max_size=12)))
    pieces = [whole[start:end] for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    once, cut = (read(case, request_of(case), parts) for parts in ([whole], pieces))
    untimed = dict.fromkeys(TIMES)
    assert replace(cut, **untimed) == replace(once, **untimed)
    assert cut.content is not None
    assert once.content is not None
    assert cut.content.assembled == once.content.assembled
    assert (cut.ttft_ms is None) == (once.ttft_ms is None)
