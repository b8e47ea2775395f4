"""Whatever text a filter holds, it stays a value: one statement, always the same one, and no error but ApiError."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporters import clickhouse
from tests.api.many_calls import BEGAN, WINDOW, many_calls
from tests.store.running import RunningStore
from tests.store.samples import call
from tracer.api.errors import ApiError
from tracer.api.filters import FILTERS, conditions
from tracer.api.queries import sql
from tracer.api.questions import Questions

CALLS = many_calls()
NASTY = [
    "'; DROP TABLE llm.calls; --",
    "' OR 1=1 --",
    "\\' OR 1=1 --",
    "\\",
    "'",
    "`",
    "{since:String}",
    "{x:Array(String)}",
    "$filters",
    "${feedback}",
    "%(since)s",
    "%s",
    "a\tb\nc\r",
    "one, two",
    "*/ /*",
    "]) OR has(['",
    "🙂 ﷽",
    "\x01\x7f",
    "NULL",
    "\\N",
    "0x10",
    "1e400",
    "-0",
    "١٢٣",
    '{"a":"\'; DROP TABLE llm.calls"}',
    '{"\\\\":"\\t"}',
    '{"a":1e400}',
]
TEXTS = st.one_of(st.sampled_from(NASTY), st.text(max_size=40), st.lists(st.sampled_from(NASTY), max_size=3).map(",".join))


class Asking:
    """Questions on a loop of its own, for tests that hypothesis runs many times."""

    def __init__(self, store: RunningStore) -> None:
        self.runner = asyncio.Runner()
        self.questions = Questions(store.settings)

    def rows(self, query: dict[str, str]) -> list[dict[str, Any]]:
        where = conditions({**WINDOW, **query})
        text = sql("requests", filters=where.clause)
        assert where.clause == conditions({**WINDOW, **{name: BENIGN[name] for name in query}}).clause
        assert ";" not in text
        return self.runner.run(self.questions.rows(text, {**where.values, "bucket": (1 << 32) - 1}))

    def answer(self, query: dict[str, str]) -> tuple[list[dict[str, Any]], ApiError | None]:
        try:
            return self.rows(query), None
        except ApiError as error:
            return [], error


BENIGN = dict.fromkeys(FILTERS, "1") | {"metadata": "{}"}


@pytest.fixture(scope="module")
def asking(filled_store: RunningStore) -> Iterator[Asking]:
    made = Asking(filled_store)
    yield made
    made.questions.close()
    made.runner.close()


@settings(max_examples=150)
@given(query=st.dictionaries(st.sampled_from(sorted(FILTERS)), TEXTS, min_size=1, max_size=4))
def test_a_filters_text_is_a_value(asking: Asking, query: dict[str, str]) -> None:
    rows, refusal = asking.answer(query)
    assert refusal is None or refusal.status == 400
    assert len(rows) <= 1
    assert not rows or 0 < rows[0]["total"] <= len(CALLS)


@pytest.mark.parametrize("text", NASTY)
# One for each way of reading a text.
@pytest.mark.parametrize("name", sorted({each.read: name for name, each in FILTERS.items()}.values()))
def test_known_tricks(asking: Asking, name: str, text: str) -> None:
    """None selects what an honest value would not: no call holds such a text."""
    rows, refusal = asking.answer({name: text})
    if refusal is None:
        assert not rows or text == "-0"
    else:
        assert (refusal.status, refusal.message.partition(":")[0]) == (400, name)


@settings(max_examples=40)
@given(name=st.text(max_size=30), text=TEXTS)
def test_a_name_that_is_no_parameter(name: str, text: str) -> None:
    if name in {*FILTERS, *WINDOW, "workspace_slug", "configs", "virtual_keys"}:
        return
    with pytest.raises(ApiError) as caught:
        conditions({**WINDOW, name: text})
    assert caught.value.status == 400


def test_an_id_is_found_whatever_is_in_it(empty_store: RunningStore) -> None:
    """Each filter selects the one row that holds its very text."""
    texts = [text for text in NASTY if text.strip() == text]
    exporter = clickhouse.open(empty_store.settings)
    exporter.export(
        [
            call(
                number,
                started_at=BEGAN,
                trace_id=text,
                span_id=text,
                prompt_id=text,
                key_id=text,
                provider="p",
                request_model=text,
                response_model="",
                metadata={"team": text, text: "x"},
            )
            for number, text in enumerate(texts, 1)
        ],
        "ids",
    )
    exporter.close()
    asking = Asking(empty_store)
    try:
        for text in texts:
            for name in ("trace_id", "span_id", "prompt_slug", "api_key_ids"):
                assert asking.rows({name: text})[0]["total"] == 1, (name, text)
            assert asking.rows({"ai_org_model": f"p__{text}"})[0]["total"] == 1, text
    finally:
        asking.questions.close()
        asking.runner.close()


@pytest.mark.parametrize("text", ["\0", "a\0b", "x" * 40_000, "\ud800"])
def test_texts_that_clickhouse_cannot_be_asked_for(text: str) -> None:
    with pytest.raises(ApiError, match="trace_id: should be a text in UTF-8"):
        conditions({**WINDOW, "trace_id": text})


def test_metadata_with_a_nul() -> None:
    with pytest.raises(ApiError, match="metadata: should hold no NUL"):
        conditions({**WINDOW, "metadata": '{"a":"b\\u0000"}'})
