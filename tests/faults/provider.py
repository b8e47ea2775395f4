"""The provider of the faults: a process of its own that says the caller's token back, counts by token, and fails on demand.

A call names its token in the body's `user`. Headers say how the answer goes: `x-words` and `x-gap-ms` for streams, `x-fault`
for what a provider should not do, a status among it. GET /counts tells what was asked and what was sent to its end.
"""

import argparse
import asyncio
import itertools
import signal
from collections import Counter
from typing import Any

import orjson
import uvloop

from tests.provider import FIN, RST, STALL, Provider, Reply, Request, error, raw, reply, sse, sse_event

WORDS = 12
GAP_S = 0.025
JSON = ("Content-Type", "application/json")
USAGE = {"prompt_tokens": 5, "completion_tokens": WORDS, "total_tokens": 5 + WORDS}


class Counted:
    """What was asked and served, by token."""

    def __init__(self, provider: Provider) -> None:
        self.provider = provider
        self.asked: Counter[str] = Counter()
        self.served: Counter[str] = Counter()

    def answer(self, request: Request) -> Reply:
        if request.path == "/counts":
            return self._told()
        said = request.json()
        token = str(said.get("user", ""))
        self.asked[token] += 1
        made = _stream(request, said, token) if said.get("stream") else _plain(request, said, token)
        return _spoilt(made, request.header("x-fault") or "")

    def sweep(self) -> None:
        """Count what has ended and forget it: a program that runs for long keeps no record of each request."""
        ended = [request for request in self.provider.requests if request.done]
        self.provider.requests[:] = [request for request in self.provider.requests if not request.done]
        for request in ended:
            if not request.client_gone and request.path != "/counts" and request.complete:
                self.served[str(request.json().get("user", ""))] += 1

    def _told(self) -> Reply:
        self.sweep()
        counts = {"asked": self.asked, "served": self.served, "malformed": self.provider.malformed}
        return reply(200, [JSON], orjson.dumps(counts))


def _plain(request: Request, said: dict[str, Any], token: str) -> Reply:
    message = {"role": "assistant", "content": f"{token} " + "word " * int(request.header("x-words") or WORDS)}
    choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
    head = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1763640366, "model": said.get("model")}
    return reply(200, [JSON], orjson.dumps({**head, "choices": choices, "usage": USAGE}))


def _stream(request: Request, said: dict[str, Any], token: str) -> Reply:
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1763640366, "model": said.get("model")}
    words = itertools.chain([token], itertools.repeat(" word", int(request.header("x-words") or WORDS)))
    events = [sse_event({**head, "choices": [{"index": 0, "delta": {"content": word}}]}) for word in words]
    events.append(sse_event({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}))
    if (said.get("stream_options") or {}).get("include_usage"):
        events.append(sse_event({**head, "choices": [], "usage": USAGE}))
    events.append(b"data: [DONE]\n\n")
    gap = request.header("x-gap-ms")
    return sse(events, every_s=float(gap) / 1000 if gap else GAP_S)


def _spoilt(made: Reply, fault: str) -> Reply:
    if fault == "reset":
        return made.cut(150, RST)
    if fault == "half":
        return made.cut(150, FIN)
    if fault == "stalled":
        return made.cut(150, STALL)
    if fault.isdigit():
        return error(int(fault), "scripted", "server_error")
    if fault == "garbage":
        return raw(b"\x00\xff garbage \r\n\x01\x02" * 40, FIN)
    return made


async def serve(port: int) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with Provider.start(port) as provider:
        counted = Counted(provider)
        provider.always(counted.answer)
        while not stop.is_set():
            counted.sweep()
            try:
                await asyncio.wait_for(stop.wait(), 0.5)
            except TimeoutError:
                continue
        provider.malformed.clear()  # told by /counts


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.faults.provider")
    parser.add_argument("--port", type=int, required=True)
    uvloop.run(serve(parser.parse_args().port))
