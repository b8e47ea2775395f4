"""A scripted LLM provider: what tests and benchmarks put behind Tracer.

    async with Provider.start() as provider:
        provider.reply(reply(429, [("Retry-After", "1")], b"{}"))  # the next request; then OpenAI-shaped defaults again
        ...                                                        # send something to provider.url
        (request,) = await provider.received(1)

replies.py  what is sent: exact bytes, times, cuts        openai.py    what a provider would say, by path
server.py   connections, replies, who left when           realtime.py  the WebSocket echo
request.py  what arrived

`python -m tests.provider --port N` runs it as a program.
"""

from tests.provider.openai import echo
from tests.provider.realtime import WebSocketEcho
from tests.provider.replies import (
    FIN,
    RST,
    STALL,
    Reply,
    chunk,
    error,
    gzipped,
    hang_up,
    huge,
    never,
    pattern,
    rate_limited,
    raw,
    reply,
    sse,
    sse_event,
)
from tests.provider.request import Request
from tests.provider.server import Provider

__all__ = [
    "FIN",
    "RST",
    "STALL",
    "Provider",
    "Reply",
    "Request",
    "WebSocketEcho",
    "chunk",
    "echo",
    "error",
    "gzipped",
    "hang_up",
    "huge",
    "never",
    "pattern",
    "rate_limited",
    "raw",
    "reply",
    "sse",
    "sse_event",
]
