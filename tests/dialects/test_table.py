"""The table of dialects: every row is reached, and a document goes to the row that is meant."""

import pytest

from tests.conformance.bodies import CASES
from tracer.dialects.row import Dialect, Where
from tracer.dialects.table import DIALECTS, dialect_of


def test_names_are_names() -> None:
    assert len({dialect.name for dialect in DIALECTS}) == len(DIALECTS)
    assert all(dialect.marks for dialect in DIALECTS)
    assert all(dialect.source.startswith("https://") for dialect in DIALECTS)


def test_every_row_has_a_hand_written_body() -> None:
    found = set()
    for case in CASES.values():
        for document in case.get("events") or [case["response"]]:
            dialect = dialect_of(document) if isinstance(document, dict) else None
            found.add(dialect.name if dialect else "")
    assert {dialect.name for dialect in DIALECTS} - found == set()


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_what_the_reader_takes_for_granted(dialect: Dialect) -> None:
    """It looks at a path's first step before it walks, and for a reason's number at the elements of one list."""
    paths = (*dialect.id, *dialect.model, *dialect.fingerprint, *dialect.tier, *dialect.searches, *dialect.errors)
    assert all(isinstance(step, str) for path in (*paths, *dialect.usage) for step in path)
    assert all(path and isinstance(path[0], str) for path in (*paths, *dialect.reasons, *dialect.tokens, *dialect.late_tokens))
    assert all(sum(isinstance(step, Where) for step in path) <= 1 for path in dialect.reasons)
    assert all(mark.path and isinstance(mark.path[0], str) for mark in (*dialect.marks, *dialect.ends))
