import pytest

from tracer.store.errors import QueryFailed
from tracer.store.limits import Limits

LIMITS = Limits(memory_bytes=1000, seconds=60, result_bytes=5 << 30)


def test_all_queries_at_once_leave_room_for_inserts() -> None:
    limits = Limits.shared(1 << 30, 4, 60, 0)
    assert limits.memory_bytes * 4 < 0.9 * (1 << 30)


def test_what_a_query_gets_that_asks_for_nothing() -> None:
    assert LIMITS.applied({"a": "b"}) == {
        "a": "b",
        "max_memory_usage": "1000",
        "max_bytes_before_external_group_by": "500",
        "max_bytes_before_external_sort": "500",
        "max_execution_time": "60",
        "max_result_bytes": "5368709120",
    }
    assert Limits().applied({"a": "b"}) == {"a": "b"}


@pytest.mark.parametrize(
    ("asked", "given"),
    [("5", "5"), ("0.5", "0.5"), ("60", "60"), ("61", "60"), ("0", "60"), ("-1", "60"), ("nan", "60"), ("x", "60")],
)
def test_less_can_be_asked_for_and_more_cannot(asked: str, given: str) -> None:
    assert LIMITS.applied({"max_execution_time": asked})["max_execution_time"] == given


@pytest.mark.parametrize("value", ["61", "0", "'xx'", "0x10", "inf"])
def test_a_statement_cannot_lift_a_limit(value: str) -> None:
    with pytest.raises(QueryFailed, match=r"Code: 452.*max_execution_time"):
        LIMITS.check({"max_execution_time": value})


def test_a_statement_can_lower_one_but_not_hide_from_kill() -> None:
    LIMITS.check({"max_execution_time": "1.5", "max_result_bytes": "100", "max_threads": "1"})
    with pytest.raises(QueryFailed, match="log_comment"):
        LIMITS.check({"log_comment": "'x'"})
