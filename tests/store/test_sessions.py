import pytest

from tracer.store import sessions
from tracer.store.errors import QueryFailed
from tracer.store.sessions import Sessions, database_of, settings_of


class Connection:
    """What a session may hold."""

    def __init__(self) -> None:
        self.closed = False

    def close(self) -> None:
        self.closed = True


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_session_is_its_users_and_keeps_what_was_set() -> None:
    known = Sessions()
    with known.use("ada", "s") as session:
        session.settings["max_threads"] = "1"
    with known.use("ada", "s") as session:
        assert session.settings == {"max_threads": "1"}
    with known.use("bob", "s") as session:
        assert session.settings == {}


def test_one_statement_at_a_time() -> None:
    known = Sessions()
    with (
        known.use("ada", "s"),
        known.use("bob", "s"),
        pytest.raises(QueryFailed, match=r"Code: 373.*locked"),
        known.use("ada", "s"),
    ):
        pass
    with known.use("ada", "s"):
        pass


def test_a_session_ends_with_its_timeout_and_lets_its_connection_go() -> None:
    clock, held = Clock(), Connection()
    known = Sessions(clock)
    with known.use("ada", "s", "10") as session:
        session.held = held  # type: ignore[assignment]
    clock.now += 9
    with known.use("ada", "s", "10", check=True):
        assert not held.closed
    clock.now += 11
    with pytest.raises(QueryFailed, match="Code: 372"), known.use("ada", "s", check=True):
        pass
    assert held.closed


def test_closing_by_request_and_by_the_end() -> None:
    first, second = Connection(), Connection()
    known = Sessions()
    with known.use("ada", "1", close=True) as session:
        session.held = first  # type: ignore[assignment]
    assert first.closed
    with known.use("ada", "2") as session:
        session.held = second  # type: ignore[assignment]
    known.close()
    assert second.closed


def test_there_are_not_more_than_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "MOST", 3)
    known = Sessions()
    for number in ("1", "2", "3", "1", "4"):
        with known.use("ada", number):
            pass
    with known.use("ada", "1", check=True), known.use("ada", "4", check=True):
        pass
    with pytest.raises(QueryFailed, match="Code: 372"), known.use("ada", "2", check=True):  # the one unused for longest
        pass


@pytest.mark.parametrize("timeout", ["0", "3601", "-1", "x", "1.5"])
def test_timeouts_that_cannot_be(timeout: str) -> None:
    with pytest.raises(QueryFailed, match="Code: 374"), Sessions().use("ada", "s", timeout):
        pass


@pytest.mark.parametrize(
    ("canonical", "expected"),
    [
        ("SET max_threads = 1", {"max_threads": "1"}),
        (r"SET a = 'x, b = \'2\'', c = -1.5, d = true", {"a": "x, b = '2'", "c": "-1.5", "d": "true"}),
        ("SET a = DEFAULT", {"a": None}),
        ("SET ROLE reader", None),
        ("SET a = {'b':1}", None),
        ("SELECT 1", None),
    ],
)
def test_what_set_sets(canonical: str, expected: object) -> None:
    assert settings_of(canonical) == expected


def test_what_use_names() -> None:
    assert database_of("USE llm") == "llm"
    assert database_of(r"USE `a\`b`") == "a`b"
    assert database_of("USE llm; DROP TABLE x") is None
