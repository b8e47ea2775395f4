"""The pictures of docs/pictures/, made anew: `python -m tests.ui.pictures [FOLDER]`.

Pages on a million made-up calls, with prompts in the registry and one agent's run that a reader of the docs can follow.
"""

import asyncio
import random
import sys
import tempfile
from array import array
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
from playwright.sync_api import Browser, Page

from tests.sink.exchanges import MS, events_of, sse
from tests.traffic.million import million
from tests.ui import talks
from tests.ui.browser import chromium, serving, tab
from tracer.records import Call, Chunks

_FOLDER = Path(__file__).parents[2] / "docs" / "pictures"
_FIRST = 7_000_000
_ANSWER = """
Two of our suppliers deliver within two days. Brandt needs one day for what is in stock (page 12, contract of 2026),
Olsen two days for all of its list (page 31). Meyer promises two days as well, but needed four on average in the last
quarter, so I left it out. Prices of both are those of the frame contract; express delivery costs 4 % more with Brandt
and nothing with Olsen.
"""
# Name, path, width, height, scale, dark.
_PICTURES = (
    ("overview", "/?since=7d&by=team", 1280, 800, 1.5, False),
    ("overview-dark", "/?since=7d", 1280, 800, 1.5, True),
    ("overview-phone", "/?since=7d", 390, 844, 1.5, False),
    ("calls", "/calls", 1280, 800, 1.5, False),
    ("call", "", 1280, 1180, 1, False),
    ("call-phone", "", 390, 1100, 1, True),
    ("trace", f"/traces/{quote(talks.TRACE, safe='')}", 1280, 900, 1, False),
    ("fingerprints", "/fingerprints?since=30d", 1280, 1160, 1, False),
    ("prompt", "/prompts/pp-support-a1b2?since=30d", 1280, 900, 1, False),
    ("sql", "/sql?name=cost-by-model", 1280, 800, 1.5, False),
)


def _answer(number: int, **at: Any) -> Call:
    """The agent's last call: a stream of many tokens, which stops twice."""
    seed = random.Random(5)
    documents = talks.chat_events([f"{word} " for word in _ANSWER.split()])
    events = events_of(sse(*documents))
    gaps = [{40: 1400.0, 61: 1150.0}.get(place, seed.lognormvariate(2.6, 0.7)) for place in range(len(events) - 2)]
    moments = [240.0, 610.0]
    for gap in gaps:
        moments.append(moments[-1] + gap)
    came = Chunks(
        array("Q", [round(moment * MS) for moment in moments]).tobytes(), array("I", [len(event) for event in events]).tobytes()
    )
    end = round(moments[-1] * MS)
    times = {
        "connect_ns": 31 * MS,
        "headers_ns": 190 * MS,
        "first_byte_ns": 240 * MS,
        "upstream_end_ns": end,
        "end_ns": end + MS,
    }
    return talks.call(number, talks.said(talks.chat_request(), documents, chunks=came, **times, **at))


def _records() -> list[Any]:
    records = talks.agent(_FIRST)
    last = next(place for place, each in enumerate(records) if isinstance(each, Call) and each.span_name == "write answer")
    before = records[last]
    assert isinstance(before, Call)
    same = {name: getattr(before, name) for name in ("call_id", "started_at", "user", "metadata")}
    ids = ("trace_id", "span_id", "parent_span_id", "span_name", "otel_trace_id", "otel_span_id", "otel_parent_span_id")
    same |= {name: getattr(before, name) for name in ids}
    # The run and its check last as long as that.
    for place, ms in ((0, 9_100), (-2, 9_050)):
        span = records[place]
        records[place] = msgspec.structs.replace(span, end_ns=records[0].start_ns + ms * MS)
    records[last] = msgspec.structs.replace(_answer(_FIRST), **same)
    return records


def _shoot(browser: Browser, base: str, folder: Path, call_id: str) -> None:
    for name, path, width, height, scale, dark in _PICTURES:
        look = {"width": width, "height": height}
        scheme = "dark" if dark else "light"
        context = browser.new_context(viewport=look, device_scale_factor=scale, color_scheme=scheme)  # type: ignore[arg-type]
        with tab(context, base) as opened:
            opened.open(path or f"/calls/{call_id}")
            _ready(name, opened.page)
            opened.page.screenshot(path=folder / f"{name}.png")
            assert opened.complaints == [], (name, opened.complaints)
        context.close()


def _ready(name: str, page: Page) -> None:
    if name == "sql":
        page.click("button.main")
        page.wait_for_selector("p.summary")
    if name == "trace":
        page.locator(".spoken summary").first.click()


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with million() as traffic, tempfile.TemporaryDirectory() as place:
        asyncio.run(talks.write_prompts(traffic.settings))
        records = _records()
        talks.write(traffic.settings, records)
        call = next(each for each in records if isinstance(each, Call) and each.span_name == "write answer")
        with chromium() as browser, serving(traffic.settings.data_dir, traffic.store.port, Path(place) / "log") as base:
            _shoot(browser, base, folder, str(call.call_id))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else _FOLDER)
