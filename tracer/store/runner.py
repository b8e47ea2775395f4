"""A question's way through the engine: session, turn, place, thread, and back piece by piece.

Strategy: the engine's call blocks on a thread; its result comes through a pipe that the event loop reads. Readers and Tracer's
writer have threads of their own, so that heavy queries never hold up an insert or /ping.

Invariant: the request of a statement does not end before its thread has, since its place and its session are in use. If
the client is gone, what only reads is killed, and what writes goes on to its end.
"""

import asyncio
from concurrent.futures import Executor, ThreadPoolExecutor

from tracer.store import special
from tracer.store.engine import Engine, Result
from tracer.store.errors import READONLY, failure
from tracer.store.pipe import Pipe
from tracer.store.question import Question, as_text
from tracer.store.reply import Reply
from tracer.store.sessions import Session, Sessions
from tracer.store.statement import Insert, as_insert
from tracer.store.task import Task
from tracer.store.turns import Turn, Turns

_WRITERS = 4

Running = asyncio.Future[Result]


class Runner:
    """Runs questions against one engine. To be made and used on one event loop."""

    def __init__(self, engine: Engine, at_once: int, patience: float) -> None:
        self._engine = engine
        self._turns = Turns(at_once, patience, engine.kill)
        self._sessions = Sessions()
        self._readers = ThreadPoolExecutor(at_once, "store-read")
        self._writers = ThreadPoolExecutor(_WRITERS, "store-write")

    def close(self) -> None:
        """Wait for the threads; the engine must be closed first, so that nothing runs for long."""
        self._readers.shutdown()
        self._writers.shutdown()
        self._sessions.close()

    async def run(self, question: Question, reply: Reply) -> Result:
        """Run it; what it gives has been fed to `reply`. Raises QueryFailed."""
        query = question.query
        name = query.get("session_id", "")
        if not name:
            return await self._within(question, Session(), reply)
        close = question.on("close_session") or question.on("session_close")
        check = question.on("session_check")
        with self._sessions.use(question.user.name, name, query.get("session_timeout", ""), check, close) as session:
            if question.may_write and session.held is None:
                session.held = await asyncio.to_thread(self._engine.hold)
            return await self._within(question, session, reply)

    async def _within(self, question: Question, session: Session, reply: Reply) -> Result:
        text = await asyncio.to_thread(question.plain)
        insert = as_insert(text) if question.may_write else None
        if insert and question.get:
            raise failure(READONLY, "READONLY", "Cannot execute query in readonly mode: method GET can only read, use POST.")
        statement = insert.head if insert else as_text(text)
        task = Task(question, session, Turn(question.user.name, question.query_id, statement))
        async with self._turns.begin(task.turn, question.on("replace_running_query")):
            done = None if insert else await special.answer(self._engine, self._turns, task)
            if done is None:
                done = await self._in_turn(task, insert, reply)
            if done.data:
                await reply.feed(done.data, done.format)
            return done

    async def _in_turn(self, task: Task, insert: Insert | None, reply: Reply) -> Result:
        # By who asks, not by what is asked: no user's statement can hold up what Tracer itself has to store.
        if task.question.user.internal:
            return await self._execute(self._writers, task, insert, reply)
        async with self._turns.place(task.turn):
            return await self._execute(self._readers, task, insert, reply)

    async def _execute(self, threads: Executor, task: Task, insert: Insert | None, reply: Reply) -> Result:
        loop = asyncio.get_running_loop()
        if insert:
            return await self._result(loop.run_in_executor(threads, self._insert, task, insert), task)
        pipe = Pipe()
        running = loop.run_in_executor(threads, self._select, task, pipe)
        try:
            async for data in pipe:
                await reply.feed(data, task.turn.format)
        except (asyncio.CancelledError, ConnectionError):
            pipe.discard()  # the thread may be waiting for room in it
            await self._ended(running, task)
            raise
        finally:
            if running.done():
                pipe.close()
            else:
                pipe.discard()
                running.add_done_callback(lambda done: pipe.close())
        return await self._result(running, task)

    async def _result(self, running: Running, task: Task) -> Result:
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            await self._ended(running, task)
            raise

    async def _ended(self, running: Running, task: Task) -> None:
        """Wait for the thread; nobody wants what it gives any more."""
        running.add_done_callback(lambda done: task.turn.ended.set())
        if task.can_be_cut:
            await self._turns.end(task.turn)
        await asyncio.wait([running])
        running.exception()  # looked at, so that asyncio does not report it as forgotten

    def _insert(self, task: Task, insert: Insert) -> Result:
        return self._engine.insert(
            insert.head,
            insert.format,
            insert.data,
            settings=task.settings,
            database=task.database,
            held=task.session.held,
        )

    def _select(self, task: Task, pipe: Pipe) -> Result:
        def outfile(fmt: str) -> str:
            task.turn.format = fmt
            return pipe.path

        try:
            task.turn.check()
            return self._engine.run(
                task.turn.text,
                default_format=task.question.default_format,
                parameters=task.question.parameters,
                settings=task.settings,
                database=task.database,
                read_only=task.read_only,
                name=task.turn.name,
                outfile=outfile,
                held=task.session.held,
            )
        finally:
            pipe.end_of_writing()
