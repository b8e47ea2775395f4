"""Every recorded exchange with a provider, with and without its text: the columns are the same."""

from typing import Any

import pytest

from tests.sink.exchanges import chunks, corpus, replay
from tests.sink.test_corpus import BOOK, KEPT, UNCOUNTED
from tracer.blank import StreamBlanker, blank_json
from tracer.framing import framing_of
from tracer.records import UsageSource
from tracer.sink.decode import decode

COLUMNS = [*KEPT, "cached_audio_tokens", "cache_write_1h_tokens", "image_output_tokens", "web_searches", "usage_note"]
COLUMNS += ["stalls", "price_id", "wasted_usd"]


def without_text(recorded: dict[str, Any]) -> tuple[dict[str, Any], list[int], list[int]]:
    """The recording blanked, and how long the pieces of its reply were before and after."""
    wire = recorded["response"].encode()
    framing = framing_of(recorded["content_type"].partition(";")[0], wire)
    pieces = [wire[start : start + 97] for start in range(0, len(wire), 97)] or [b""]
    if framing is None:
        blank = [b""] * (len(pieces) - 1) + [blank_json(wire)]
    else:
        blanker = StreamBlanker(framing)
        blank = [blanker.feed(piece) for piece in pieces]
        blank[-1] += blanker.close()
    bare = {**recorded, "request": blank_json(recorded["request"]).decode(), "response": b"".join(blank).decode()}
    return bare, [len(piece) for piece in pieces], [len(piece) for piece in blank]


@pytest.mark.parametrize("part", range(8))
def test_blanking_changes_no_column(part: int) -> None:
    seen = 0
    for recorded in corpus()[part::8]:
        if recorded["method"].upper() != "POST":
            continue
        bare, before, after = without_text(recorded)
        if not bare["response"]:  # it was not JSON to begin with
            continue
        full = decode(replay(recorded, chunks=chunks(before)), BOOK)
        call = decode(replay(bare, chunks=chunks(after), content=False), BOOK)
        different = {
            column: (getattr(full, column), getattr(call, column))
            for column in (COLUMNS if full.usage_source == UsageSource.PROVIDER else UNCOUNTED)
            if getattr(full, column) != getattr(call, column)
        }
        assert not different, recorded["id"]
        assert call.content is None
        seen += 1
    assert seen > 150
