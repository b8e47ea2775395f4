"""The table of compatibility is whole, and every test it names is there."""

import ast
from functools import cache
from pathlib import Path

import pytest

from tests.compatibility import MISSING, Row, page, parts
from tests.scale.test_fields import SEED as SCALES_FIELDS

ROOT = Path(__file__).parents[1]
ROWS = [(part.id, row) for part in parts().values() for row in part.rows]

# What the pages list, written down from them.
CHAT_FIELDS = """
messages model frequency_penalty logit_bias logprobs top_logprobs max_tokens n presence_penalty response_format seed stop stream
stream_options temperature top_p tools tool_choice parallel_tool_calls user function_call functions
"""
REPLY_FIELDS = "id choices created model object system_fingerprint usage"
HEADERS = "trace-id span-id parent-span-id span-name metadata cache-namespace cache-force-refresh"
EXPECTED = {
    "portkey-chat-body": set(CHAT_FIELDS.split()),
    "portkey-chat-reply": set(REPLY_FIELDS.split()),
    "portkey-prompt-body": {*CHAT_FIELDS.split(), "variables"},
    "scale-body": SCALES_FIELDS,
    "scale-reply": set(REPLY_FIELDS.split()),
}


@pytest.mark.parametrize("part", EXPECTED)
def test_no_field_is_missing(part: str) -> None:
    fields = parts()[part].fields
    assert set(fields) == EXPECTED[part]
    assert len(fields) == len(set(fields))


def test_no_header_is_missing() -> None:
    named = [name for row in parts()["portkey-headers"].rows for name in row.fields if name.startswith("x-portkey-")]
    assert named == [f"x-portkey-{name}" for name in HEADERS.split()]


def test_no_name_stands_twice_in_a_part() -> None:
    for part in parts().values():
        names = [row.name for row in part.rows]
        assert len(names) == len(set(names)), part.id


@cache
def names_in(file: str) -> frozenset[str]:
    tree = ast.parse((ROOT / file).read_text())
    return frozenset(
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    )


@pytest.mark.parametrize(("part", "row"), ROWS, ids=[f"{part}: {row.name}" for part, row in ROWS])
def test_what_is_said_is_shown(part: str, row: Row) -> None:
    """A row without a test is marked as missing, and no other way out."""
    assert row.does
    assert row.tests
    for test in row.tests:
        if test != MISSING:
            file, _, name = test.partition("::")
            assert name in names_in(file), test


def test_the_page_names_every_row() -> None:
    text = page()
    assert all(f"| {row.name} | {row.does} |" in text for _, row in ROWS)
