"""Sessions of the HTTP interface: settings, a database and temporary tables that outlive a request.

Strategy: what SET and USE say is kept here and put in front of the session's later statements. Only a session that may write
holds a connection of the engine, for temporary tables; a reader's needs none, and clickhouse-connect opens a session for every
client it makes. One event loop, so no locks.

Invariants
- A session belongs to its user; the same id of another user is another session.
- One statement at a time: a second one is refused (373), not queued, as ClickHouse does.
- What nobody used for its timeout is gone; past MOST sessions the one unused for longest goes.
"""

import contextlib
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from tracer.store.engine import Held
from tracer.store.errors import failure

MOST = 1000
_DEFAULT_SECONDS = 60
_LONGEST_SECONDS = 3600

_VALUE = r"(?:'(?:[^'\\]|\\.)*'|-?[\w.]+)"
_SET = re.compile(rf"SET (\w+ = {_VALUE}(?:, \w+ = {_VALUE})*)", re.DOTALL)
_PAIR = re.compile(rf"(\w+) = ({_VALUE})", re.DOTALL)
_USE = re.compile(r"USE (?:DATABASE )?(?:`((?:[^`\\]|\\.)*)`|(\w+))", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


@dataclass(slots=True)
class Session:
    """What is in force for the statements of one session."""

    settings: dict[str, str] = field(default_factory=dict)
    database: str = ""
    held: Held | None = None
    busy: bool = False
    until: float = 0.0


class Sessions:
    """All sessions, by user and id."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._all: dict[tuple[str, str], Session] = {}

    @contextlib.contextmanager
    def use(self, user: str, session_id: str, timeout: str = "", check: bool = False, close: bool = False) -> Iterator[Session]:
        """The session for one statement; made if it is not there, unless `check`. Raises QueryFailed."""
        seconds = _seconds(timeout)
        self._expire()
        key = (user, session_id)
        session = self._all.get(key)
        if session is None:
            if check:
                raise failure(372, "SESSION_NOT_FOUND", "Session not found.")
            session = self._all[key] = Session()
        if session.busy:
            raise failure(373, "SESSION_IS_LOCKED", f"Session {session_id} is locked by a concurrent client.")
        session.busy = True
        try:
            yield session
        finally:
            session.busy = False
            session.until = self._clock() + seconds
            if close:
                self._drop(key)
            else:
                self._all[key] = self._all.pop(key)  # the last is the one used last

    def close(self) -> None:
        """Let go of every connection."""
        for key in list(self._all):
            self._drop(key)

    def _expire(self) -> None:
        idle = [key for key, session in self._all.items() if not session.busy]
        now = self._clock()
        surplus = len(self._all) - MOST + 1
        for number, key in enumerate(idle):
            if number < surplus or self._all[key].until < now:
                self._drop(key)

    def _drop(self, key: tuple[str, str]) -> None:
        session = self._all.pop(key)
        if session.held:
            session.held.close()


def settings_of(canonical: str) -> dict[str, str | None] | None:
    """What `SET a = 1, b = 'x'` sets; None stands for DEFAULT. None for another SET."""
    found = _SET.fullmatch(canonical)
    if found is None:
        return None
    return {name: None if value == "DEFAULT" else _plain(value) for name, value in _PAIR.findall(found[1])}


def database_of(canonical: str) -> str | None:
    """The database of `USE x`; None for another statement."""
    found = _USE.fullmatch(canonical)
    return None if found is None else found[2] or _ESCAPED.sub(r"\1", found[1])


def _plain(literal: str) -> str:
    return _ESCAPED.sub(r"\1", literal[1:-1]) if literal.startswith("'") else literal


def _seconds(timeout: str) -> int:
    if not timeout:
        return _DEFAULT_SECONDS
    if not timeout.isdecimal() or not 0 < int(timeout) <= _LONGEST_SECONDS:
        reason = f"Invalid session timeout: '{timeout}'; it should be 1 to {_LONGEST_SECONDS} seconds."
        raise failure(374, "INVALID_SESSION_TIMEOUT", reason)
    return int(timeout)
