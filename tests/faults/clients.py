"""Clients that leave in the middle of a stream, by the thousand, and clients that read one byte a second."""

import asyncio
import random
import socket
import time
from contextlib import suppress

from tests.faults.books import Books
from tests.faults.load import Told, body, headers, new_token
from tests.faults.records import Row, Run
from tests.faults.scene import (
    Scene,
    level,
    nothing_doubled,
    nothing_dropped,
    nothing_lost,
    nothing_unrecorded,
    scene,
    spans_all,
)

LEAVING_A_SECOND = 250
SLOW_S, SPREAD_S = 10.0, 3.0
_PROMISES = (nothing_lost, nothing_dropped, nothing_doubled, nothing_unrecorded, spans_all, level)


async def leave(run: Run) -> Row:
    """`run.times` clients, each gone after the first event of a stream that would have lasted six seconds."""
    async with scene(run) as at:
        async with at.fault():
            began = time.monotonic()
            async with asyncio.TaskGroup() as group:
                for number in range(run.times):
                    await asyncio.sleep(max(0.0, began + number / LEAVING_A_SECOND - time.monotonic()))
                    group.create_task(leaves(at))
            took = time.monotonic() - began
            open_ = await _settles(at, "tracer_open_requests", 60)

        def client_gone(row: Row, books: Books) -> tuple[bool, str]:
            tokens = {told.token for told in at.told if told.end == "left"}
            wrong = {books.rows[token][1] for token in tokens & books.rows.keys()} - {"client_gone"}
            return not wrong, f"rows of clients that left say {sorted(wrong)}"

        def steady(row: Row, books: Books) -> tuple[bool, str]:
            failed = [told for told in at.load.told if told.end != "answered"]
            return not failed, f"{len(failed)} calls of others failed"

        def none_open(row: Row, books: Books) -> tuple[bool, str]:
            return open_ < 60, f"{open_:.0f} requests are still open"

        def met(row: Row, books: Books) -> tuple[bool, str]:
            return row.left >= 0.99 * run.times, f"only {row.left} of {run.times} clients were in a stream when they left"

        return await at.row(
            *_PROMISES, met, client_gone, steady, none_open, notes=[f"{run.times} clients left within {took:.0f} s"]
        )


async def leaves(at: Scene) -> None:
    """A client of a stream of six seconds, gone after its first event."""
    token, sent, end = new_token(), time.monotonic(), "refused"
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(20):
            reader, writer = await asyncio.open_connection("127.0.0.1", at.tracer.port)
            end = "cut"
            writer.write(_request(token, {"x-words": "60", "x-gap-ms": "100"}))
            await reader.readuntil(b"\n\n")
            end = "left"
            writer.transport.abort()
    at.told.append(Told(token, True, "during", sent, time.monotonic(), end, 200))


async def _settles(at: Scene, name: str, below: float) -> float:
    """A gauge, once it is low, or after ten seconds."""
    for _ in range(20):
        if (value := (await at.tracer.metrics()).get(name, 0.0)) < below:
            return value
        await asyncio.sleep(0.5)
    return value


async def one_byte(run: Run) -> Row:
    """`run.times` clients of long plain replies, which read one byte a second; then they leave."""
    async with scene(run) as at:
        worker = at.tracer.processes["worker"].pid
        async with at.fault():
            before = _resident_mb(worker)
            async with asyncio.TaskGroup() as group:
                for _ in range(run.times):
                    group.create_task(sips(at))
                await asyncio.sleep(SPREAD_S + 2)
                during = _resident_mb(worker)

        def steady(row: Row, books: Books) -> tuple[bool, str]:
            failed = [told for told in at.load.told if told.end != "answered"]
            return not failed and row.added_p50_ms < 10, f"{len(failed)} calls of others failed, {row.added_p50_ms} ms added"

        note = f"{run.times} clients for {SLOW_S:.0f} s, replies of 1 MB; the worker went from {before:.0f} to {during:.0f} MB"

        def met(row: Row, books: Books) -> tuple[bool, str]:
            return row.left == run.times, f"only {row.left} of {run.times} clients still read when they left"

        return await at.row(*_PROMISES, met, steady, notes=[note])


async def sips(at: Scene) -> None:
    """A client of a reply of 1 MB that reads one byte a second."""
    token, end = new_token(), "refused"
    await asyncio.sleep(random.uniform(0, SPREAD_S))
    sent = time.monotonic()
    with suppress(OSError, TimeoutError):
        reader, writer = await asyncio.open_connection(sock=await _small_window(at.tracer.port), limit=1)
        end = "cut"
        writer.write(_request(token, {"x-words": "200000"}, streamed=False))
        while time.monotonic() < sent + SLOW_S:
            await reader.read(1)
            await asyncio.sleep(1)
        end = "left"
        writer.transport.abort()
    at.told.append(Told(token, False, "sips", sent, time.monotonic(), end, 200))


async def _small_window(port: int) -> socket.socket:
    """A connection whose client takes next to nothing ahead."""
    made = socket.socket()
    made.setblocking(False)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    await asyncio.get_running_loop().sock_connect(made, ("127.0.0.1", port))
    return made


def _request(token: str, more: dict[str, str], streamed: bool = True) -> bytes:
    data = body(token, streamed)
    lines = {"Host": "x", "Content-Length": str(len(data)), **headers(token), **more}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"POST /v1/chat/completions HTTP/1.1\r\n{head}\r\n".encode() + data


def _resident_mb(pid: int) -> float:
    with open(f"/proc/{pid}/statm") as file:
        return int(file.read().split()[1]) * 4096 / 1e6
