"""The page of a call: what was said in every dialect, its figures, its neighbours, raw bodies that a browser takes for text."""

import shlex
from decimal import Decimal
from uuid import UUID

import orjson
import pytest

from tests.store.running import RunningStore
from tests.store.samples import CONTENT, call, full_call
from tests.ui import talks
from tests.ui.conftest import OpenPages, Pages
from tests.ui.hostile import hostile_call
from tests.ui.reading import HOSTILE, Html, Tag
from tracer.records import Call, Content
from tracer.registry.records import Key, Snapshot

BIG = "word " * 800_000  # 4 MB


def words(tag: Tag) -> str:
    """What is read in an element, a blank between its parts."""
    return " ".join(" ".join(tag.texts).split())


def said(page: Html) -> list[str]:
    """The messages, as they are read."""
    return [words(tag) for tag in page.all("article", class_="message")]


def facts(page: Html) -> dict[str, str]:
    """All labels with what stands beside them."""
    labels, values = page.all("dt"), page.all("dd")
    return {label.text: value.text for label, value in zip(labels, values, strict=True)}


@pytest.fixture
async def opened(empty_store: RunningStore, open_pages: OpenPages) -> Pages:
    return await open_pages(empty_store.settings)


async def shown(pages: Pages, store: RunningStore, made: Call) -> Html:
    talks.write(store.settings, [made])
    return await pages.get(f"/calls/{made.call_id}")


async def test_a_streamed_chat(opened: Pages, empty_store: RunningStore) -> None:
    page = await shown(opened, empty_store, talks.chat(1))
    system, user, assistant, tool, answer = said(page)
    assert system.startswith("system You are the assistant of the purchasing department.")
    assert "show all" in system
    assert user.startswith("user Which of our suppliers deliver within two days?")
    assert "image/png 6.6 kB not kept; sha256" in user
    assert assistant.startswith("assistant → search call_1 {")
    assert "Contracts 2026" in tool
    assert answer.startswith("assistant stop | supplier | days |")
    assert "1 tool offered" in page.text
    assert "Looks for pages in the handbook." in page.text
    found = facts(page)
    assert found["Fingerprint"] == "fp_cbf1785567"
    assert found["Between tokens"] == "38.0 ms median · 38.0 ms at 95 % · 38.0 ms at most"
    assert found["reasoning_effort"] == '"low"'
    assert found["authorization"] == "***"
    assert found["Price from"].startswith("List prices: genai-prices")


async def test_tokens_in_exclusive_buckets(opened: Pages, empty_store: RunningStore) -> None:
    page = await shown(opened, empty_store, talks.chat(1))
    rows = [words(tag) for tag in page.all("tr")]
    assert any(text.startswith("Input") and "2,210" in text for text in rows)
    assert "text, not cached $2.50 / 1M 674" in rows
    assert "reasoning, hidden $10.00 / 1M 96" in rows
    assert "visible $10.00 / 1M 52" in rows


async def test_the_rates_that_were_used_stand_beside_the_tokens(opened: Pages, empty_store: RunningStore) -> None:
    made = talks.chat(1)
    assert made.price_id
    page = await shown(opened, empty_store, made)
    rows = [words(tag) for tag in page.all("tr")]
    assert "text, not cached $2.50 / 1M 674" in rows
    assert "read from the provider's cache $1.25 / 1M 1,536" in rows
    assert page.all("a", href=f"/sql?q=SELECT+%2A+FROM+llm.prices+FINAL+WHERE+price_id+%3D+%27{made.price_id}%27")


async def test_when_the_answer_came(opened: Pages, empty_store: RunningStore) -> None:
    page = await shown(opened, empty_store, talks.chat(1))
    strip = page.one("svg", class_="phases")
    assert words(strip) == (
        "waiting for the first byte: 38.0 ms first byte, no token yet: 38.0 ms answer arriving: 825 ms "
        "head of the answer: 9.00 ms first byte: 38.0 ms first token: 76.0 ms"
    )
    assert "32 ms – 64 ms" in page.text


async def test_every_piece_of_a_stream_is_a_mark_and_silences_are_told(opened: Pages, empty_store: RunningStore) -> None:
    page = await shown(opened, empty_store, talks.stalling(1))
    assert page.one("path", class_="piece").attributes["d"].count("M") > 10
    assert len(page.all("rect", class_="stall")) == 3  # two, and one in the legend
    assert [words(tag) for tag in page.all("svg", class_="stall-words")] == ["1.80 s 2.60 s"]
    found = facts(page)
    assert found["Longest silences"] == "2.60 s after 2.41 s · 1.80 s after 456 ms"
    assert found["Stalls"] == "2 gaps between tokens of over a second"
    assert found["Head of the answer"] == "9.00 ms"
    assert found["Came in"].startswith("25 pieces of ")
    assert "2 silences of over a second 4.40 s" in words(page.one("body"))


async def test_without_its_pieces_a_stream_shows_its_phases(opened: Pages, empty_store: RunningStore) -> None:
    page = await shown(opened, empty_store, call(1, stream=True, ttfb_ms=40.0, ttft_ms=50.0, itl_digest=(0, 4)))
    assert "answer arriving: 200 ms" in words(page.one("svg", class_="phases"))
    assert not page.all("svg", class_="pieces")
    assert "not their order" in page.text


async def test_parts_of_tokens_searches_and_notes(opened: Pages, empty_store: RunningStore) -> None:
    made = call(
        1,
        cache_write_tokens=9,
        cache_write_1h_tokens=4,
        web_searches=2,
        usage_note="the parts add up to 14, the total says 15",
        price_id="0a1b2c3d",
        wasted_usd=Decimal("0.00002"),
    )
    page = await shown(opened, empty_store, made)
    rows = [words(tag) for tag in page.all("tr")]
    assert rows.index("of these, kept for an hour 4") == rows.index("written to the provider's cache 9") + 1
    assert "web searches 2" in rows
    assert "paid for an answer nobody received $0.0000200" in rows
    found = facts(page)
    assert found["Note"] == "the parts add up to 14, the total says 15"
    assert found["Price id"] == "0a1b2c3d"


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (
            talks.anthropic(1),
            ["user What is the weather in Ulm?", "tool_use Reasoning I should ask the tool. → weather toolu_1"],
        ),
        (talks.gemini(1), ["user Name a river.", "model STOP The Elbe."]),
    ],
    ids=["anthropic", "gemini"],
)
async def test_other_dialects(opened: Pages, empty_store: RunningStore, made: Call, words: list[str]) -> None:
    page = await shown(opened, empty_store, made)
    for text in words:
        assert any(text in message for message in said(page)), said(page)


async def test_a_body_that_tracer_changed_stands_beside_the_one_that_was_sent(opened: Pages, empty_store: RunningStore) -> None:
    page = await shown(opened, empty_store, talks.from_a_prompt(1))
    assert "What went to the provider instead" in page.text
    assert any("variables" in tag.text for tag in page.all("div", class_="is-removed"))
    assert any("Greet Ada" in tag.text for tag in page.all("div", class_="is-added"))
    assert "config.retry is ignored: Tracer does not retry" in page.text
    assert page.one("a", href="/prompts/pp-support-a1b2").text == "pp-support-a1b2 v3"
    original = await raw(opened, f"/calls/{talks.from_a_prompt(1).call_id}/original")
    assert orjson.loads(original)["variables"] == {"name": "Ada", "order": "4711"}


async def test_a_failed_call_says_why(opened: Pages, empty_store: RunningStore) -> None:
    page = await shown(opened, empty_store, talks.failed(1))
    assert "Rate limit reached for gpt-4o" in page.one("section", class_="error").text
    assert said(page)[-1].startswith("error rate_limit_exceeded Rate limit reached")
    assert facts(page)["No price"].startswith("no usage reported")


async def test_neighbours(opened: Pages, empty_store: RunningStore) -> None:
    made = [call(number, trace_id="t", span_name=f"n{number}") for number in range(1, 21)]
    talks.write(empty_store.settings, [*made, call(30, trace_id="other")])
    page = await opened.get(f"/calls/{made[9].call_id}")
    near = words(page.one("ol", class_="near"))
    assert near.startswith("5 earlier n6")
    assert near.endswith("6 later")
    assert "In this trace 10 of 20" in words(page.one("body"))
    assert page.one("a", rel="prev").attributes["href"] == f"/calls/{made[8].call_id}"
    assert page.one("a", rel="next").attributes["href"] == f"/calls/{made[10].call_id}"
    first, last = await opened.get(f"/calls/{made[0].call_id}"), await opened.get(f"/calls/{call(30).call_id}")
    assert not first.all("a", rel="prev")
    assert not last.all("a", rel="next")
    assert last.all("a", rel="prev")


async def test_without_bodies(opened: Pages, empty_store: RunningStore) -> None:
    page = await shown(opened, empty_store, call(1, cost_usd=None, price_source="none: the model is unknown"))
    assert "Nothing of what was said is kept" in page.text
    assert "TRACER_PRICES" in facts(page)["No price"]
    await opened.get(f"/calls/{call(1).call_id}/request", 404)


async def test_bodies_that_nobody_can_read_are_shown_as_they_are(opened: Pages, empty_store: RunningStore) -> None:
    odd = Content(
        request_headers={}, request_body="[binary audio/mpeg, 12 bytes]", response_headers={}, response_body='{"a": [1'
    )
    page = await shown(opened, empty_store, call(1, content=odd))
    assert "not read as a conversation" in page.text
    assert "[binary audio/mpeg, 12 bytes]" in page.text
    assert '{"a": [1' in page.text


async def test_every_column_has_a_place(opened: Pages, empty_store: RunningStore) -> None:
    page = await shown(opened, empty_store, full_call(1))
    for text in (
        "u-1",
        "s-1",
        "значение",
        "req_1",
        "chatcmpl-1",
        "fp_1",
        "default",
        "p-1 v3",
        "MISS",
        "key_1",
        "slow down",
        "abc",
        "span-0",
    ):
        assert text in page.text, text
    found = facts(page)
    assert (found["temperature"], found["seed"], found["top_k"]) == ("0.5", "-7", "5")
    assert found["Stopped by"] == "stop, length"
    assert "$123,456" in page.text
    assert "$123456.000000000001" in page.source


async def test_bodies_of_megabytes_are_bounded(opened: Pages, empty_store: RunningStore) -> None:
    message = {"role": "user", "content": BIG}
    answer = {"choices": [{"message": {"role": "assistant", "content": BIG}}]}
    content = Content(
        request_headers={},
        request_body=orjson.dumps({"messages": [message]}).decode(),
        response_headers={"x": BIG},
        response_body="data: " + orjson.dumps(answer).decode() + "\n\n",
        original_body=orjson.dumps({"input": BIG}).decode(),
        assembled=orjson.dumps(answer).decode(),
    )
    made = call(1, content=content, error_message=BIG, usage_raw=orjson.dumps({"x": BIG}).decode())
    page = await shown(opened, empty_store, made)
    assert len(page.source) < 600_000
    assert "3,988,000 more characters" in page.text
    assert page.all("a", href=f"/calls/{made.call_id}/request")
    assert await raw(opened, f"/calls/{made.call_id}/assembled") == content.assembled


async def raw(pages: Pages, path: str) -> str:
    """A raw body, which must come as plain text that nothing can run in."""
    async with pages.client.get(path, allow_redirects=False) as reply:
        assert reply.status == 200
        assert reply.headers["Content-Type"] == "text/plain; charset=utf-8"
        assert reply.headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in reply.headers["Content-Security-Policy"]
        return await reply.text()


async def test_hostile_texts_stay_texts(opened: Pages, empty_store: RunningStore) -> None:
    for number, made in enumerate((hostile_call(1), hostile_call(2, outcome=HOSTILE), hostile_chat(3))):
        page = await shown(opened, empty_store, made)
        assert page.text.count("<xss-probe onclick=alert(1)>") > 20, number
    assert any("<xss-probe" in message for message in said(page))
    for part in ("request", "original", "response", "assembled"):
        assert HOSTILE in await raw(opened, f"/calls/{made.call_id}/{part}") or part in ("response", "assembled")


def hostile_chat(number: int) -> Call:
    """HOSTILE in every place of a conversation."""
    parts = [
        {"type": "text", "text": HOSTILE},
        {"type": "image_url", "image_url": {"url": HOSTILE}},
        {"type": "image_url", "image_url": {"url": f"javascript:alert(1)//{HOSTILE}"}},
        {"type": "file", "file": {"filename": HOSTILE, "file_id": HOSTILE}},
        {"type": HOSTILE, HOSTILE: HOSTILE},
        {"type": "tool_result", "tool_use_id": HOSTILE, "content": HOSTILE},
    ]
    tool_call = {"id": HOSTILE, "function": {"name": HOSTILE, "arguments": HOSTILE}}
    request = {
        "messages": [
            {"role": HOSTILE, "name": HOSTILE, "content": parts},
            {"role": "assistant", "content": HOSTILE, "reasoning": HOSTILE, "refusal": HOSTILE, "tool_calls": [tool_call]},
            {"role": "tool", "tool_call_id": HOSTILE, "name": HOSTILE, "content": HOSTILE},
        ],
        "tools": [{"function": {"name": HOSTILE, "description": HOSTILE, "parameters": {HOSTILE: HOSTILE}}}],
    }
    reply = {
        "choices": [{"message": {"role": HOSTILE, "content": HOSTILE}, "finish_reason": HOSTILE}],
        "error": {"type": HOSTILE, "message": HOSTILE},
    }
    content = Content(
        request_headers={HOSTILE: HOSTILE},
        original_body=orjson.dumps({HOSTILE: HOSTILE}).decode() + HOSTILE,
        request_body=orjson.dumps(request).decode(),
        response_headers={HOSTILE: HOSTILE},
        response_body=orjson.dumps(reply).decode(),
    )
    return hostile_call(number, content=content)


async def test_a_command_of_hostile_texts_is_one_command(opened: Pages, empty_store: RunningStore) -> None:
    page = await shown(opened, empty_store, hostile_call(1))
    figures = [tag for tag in page.all("figure", class_="snippet") if "no key is kept" in tag.text]
    command = "".join(figures[0].texts).split("Copy", 1)[1].replace("\\\n", " ")
    words = shlex.split(command)
    assert words[0] == "curl"
    assert words[-1] == HOSTILE
    assert not {";", "|", "&", "&&"} & set(words)


async def test_no_secret_is_in_the_command(opened: Pages, empty_store: RunningStore) -> None:
    page = await shown(opened, empty_store, talks.chat(1))
    command = next(tag.text for tag in page.all("figure", class_="snippet") if "no key is kept" in tag.text)
    assert 'Authorization: Bearer $API_KEY"' in command
    assert "/v1/chat/completions" in command
    assert "x-portkey-metadata" in command


async def test_only_who_may_see_a_call_sees_it_and_its_bodies(opened: Pages, empty_store: RunningStore) -> None:
    mine = call(1, key_id="key_1", trace_id="t", content=CONTENT)
    other = call(2, key_id="key_2", trace_id="t", content=CONTENT, span_name="hidden")
    talks.write(empty_store.settings, [mine, other])
    key = Key("key_1", "mine", "b" * 64)
    opened.watcher.current = Snapshot(keys={key.sha256: key})
    opened.log_in(key)
    page = await opened.get(f"/calls/{mine.call_id}")
    assert "hidden" not in page.text
    assert "In this trace 1 of 1" in words(page.one("body"))
    assert not page.all("a", rel="next")
    assert await raw(opened, f"/calls/{mine.call_id}/request") == CONTENT.request_body
    await opened.get(f"/calls/{other.call_id}", 404)
    for part in ("request", "original", "response", "assembled"):
        await opened.get(f"/calls/{other.call_id}/{part}", 404)


@pytest.mark.parametrize(
    "path", [str(UUID(int=5)), f"{UUID(int=5)}/request", f"{UUID(int=5)}/request_headers", "nothing", "rows/x"]
)
async def test_calls_that_are_not_there(opened: Pages, path: str) -> None:
    await opened.get(f"/calls/{path}", 404)


async def test_money_that_was_saved_or_wasted(opened: Pages, empty_store: RunningStore) -> None:
    hit = call(1, outcome="cache_hit", cache_status="HIT", cost_usd=Decimal(0), saved_usd=Decimal("0.02"))
    gone = call(2, outcome="client_gone", wasted_usd=Decimal("0.01"), client_gone_ms=120.0, ttfb_ms=50.0)
    assert "$0.0200 saved by the cache" in (await shown(opened, empty_store, hit)).text
    page = await shown(opened, empty_store, gone)
    assert "$0.0100 of it wasted" in page.text
    assert facts(page)["Client left after"] == "120 ms"
