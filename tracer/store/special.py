"""Statements that are not the engine's: clickhouse-go's hello, SET and USE, KILL QUERY by id.

The effect of SET and USE is the session's (sessions.py): the engine's connection ends with the request. KILL QUERY names the id
that a client gave, and the engine knows another. A user can kill their own, Tracer's writer anybody's. Other forms of each go
on to the engine, which refuses them to a reader.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable

from tracer.store import hello
from tracer.store.engine import Engine, Result
from tracer.store.readonly import check_settings, output_format
from tracer.store.sessions import database_of, settings_of
from tracer.store.statement import first_word, quoted
from tracer.store.task import Task
from tracer.store.turns import Turns

_KILL_BY_ID = re.compile(r"KILL QUERY WHERE query_id = '((?:[^'\\]|\\.)*)'(?: A?SYNC)?(?: FORMAT \w+)?", re.DOTALL)
NAME = "tracer"


async def answer(engine: Engine, turns: Turns, task: Task) -> Result | None:
    """The answer to such a statement; None for every other. Raises QueryFailed."""
    question = task.question
    protocol_version = question.query.get("client_protocol_version", "")
    if hello.is_hello(task.turn.text, protocol_version):
        data = hello.answer(NAME, engine.version, engine.timezone, int(protocol_version))
        return Result(data=data, format="Native", rows=1)
    special = _BY_FIRST_WORD.get(first_word(task.turn.text))
    if special is None:
        return None
    canonical = await asyncio.to_thread(engine.canonical, task.turn.text)
    return await special(engine, turns, task, canonical)


async def _set(engine: Engine, _turns: Turns, task: Task, canonical: str) -> Result | None:
    changed = settings_of(canonical)
    if changed is None:
        return None
    if not task.question.may_write:
        check_settings(changed)
    tried = _without_defaults({**task.settings, **changed})
    # That the engine knows them, and takes these values, is seen now and not at the next statement.
    await asyncio.to_thread(engine.run, "SELECT 1", settings=tried, read_only=task.read_only)
    task.session.settings = _without_defaults({**task.session.settings, **changed})
    return Result()


async def _use(engine: Engine, _turns: Turns, task: Task, canonical: str) -> Result | None:
    database = database_of(canonical)
    if database is None:
        return None
    await asyncio.to_thread(engine.run, "SELECT 1", database=database)
    task.session.database = database
    return Result()


async def _kill(engine: Engine, turns: Turns, task: Task, canonical: str) -> Result | None:
    found = _KILL_BY_ID.fullmatch(canonical)
    if found is None:
        return None
    query_id = re.sub(r"\\(.)", r"\1", found[1], flags=re.DOTALL)
    victims = turns.found(query_id, None if task.question.user.internal else task.question.user.name)
    rows = []
    for turn in victims:
        if turn is not task.turn:
            status = "finished" if await turns.end(turn) else "waiting"
            rows.append(f"('{status}', {quoted(turn.query_id)}, {quoted(turn.user)}, {quoted(turn.text)})")
    fmt = output_format(canonical) or task.question.default_format
    if not rows:
        return Result(format=fmt)
    table = f"SELECT * FROM values('kill_status String, query_id String, user String, query String', {', '.join(rows)})"
    return await asyncio.to_thread(engine.run, table, default_format=fmt)


def _without_defaults(settings: dict[str, str | None] | dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in settings.items() if value is not None}


_BY_FIRST_WORD: dict[str, Callable[[Engine, Turns, Task, str], Awaitable[Result | None]]] = {
    "SET": _set,
    "USE": _use,
    "KILL": _kill,
}
