"""Heads of questions."""

import pytest

from dashboards.queries.header import Column, Parameter, read

TEXT = """\
-- A title
-- What it answers,
-- in two lines.
--
-- Parameters:
--   since DateTime('UTC') = 7d  From then on
--   model String = ''           Only this one; empty for all
--   word String = 'a'           With `=` and  two spaces in it
--
-- Columns:
--   usd Nullable(Decimal(38, 12))  Money (USD)
--   n UInt64  Count
SELECT 1 -- no part of the head
-- nor this
"""


def test_what_a_head_says() -> None:
    found = read(TEXT)
    assert (found.title, found.description) == ("A title", "What it answers, in two lines.")
    assert found.parameters == (
        Parameter("since", "DateTime('UTC')", "7d", "From then on"),
        Parameter("model", "String", "", "Only this one; empty for all"),
        Parameter("word", "String", "a", "With `=` and  two spaces in it"),
    )
    assert found.columns == (Column("usd", "Nullable(Decimal(38, 12))", "Money (USD)"), Column("n", "UInt64", "Count"))
    assert [each.is_time for each in found.parameters] == [True, False, False]


@pytest.mark.parametrize("line", ["--   since DateTime 7d  no default", "--   since"])
def test_a_line_that_says_nothing_is_an_error(line: str) -> None:
    with pytest.raises(ValueError, match="since"):
        read(f"-- T\n-- Parameters:\n{line}\nSELECT 1")


def test_a_file_without_a_head_has_none() -> None:
    assert read("SELECT 1").title == ""
