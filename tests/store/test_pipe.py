import asyncio
import os
from pathlib import Path

from tracer.store.pipe import Pipe


async def collect(pipe: Pipe) -> bytes:
    return b"".join([data async for data in pipe])


async def test_what_one_thread_writes_the_loop_reads_however_much_it_is() -> None:
    pipe = Pipe()

    def write() -> None:
        with Path(pipe.path).open("wb") as file:
            for number in range(100):
                file.write(bytes((number,)) * 100_000)
        pipe.end_of_writing()

    async with asyncio.TaskGroup() as group:
        group.create_task(asyncio.to_thread(write))
        data = await collect(pipe)
    pipe.close()
    assert data == b"".join(bytes((number,)) * 100_000 for number in range(100))


async def test_nothing_written_is_an_end_too_and_nothing_is_left_open() -> None:
    before = len(os.listdir("/dev/fd"))
    pipe = Pipe()
    pipe.end_of_writing()
    assert await collect(pipe) == b""
    pipe.close()
    pipe.close()
    assert len(os.listdir("/dev/fd")) == before
