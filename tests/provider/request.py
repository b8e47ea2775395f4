"""A request as the scripted provider saw it."""

from dataclasses import dataclass, field
from typing import Any

import orjson


@dataclass(eq=False)
class Request:
    """What arrived, as it arrived. Filled while it arrives; `done` once the reply is out or the client has left."""

    method: str
    target: str  # the raw request target
    version: str
    headers: list[tuple[str, str]]  # in order, with their case
    connection: int  # which connection it came on, counted from 0
    started: float  # time.monotonic() when its headers were in
    body: bytearray = field(default_factory=bytearray)
    trailers: list[tuple[str, str]] = field(default_factory=list)
    complete: bool = False  # the whole request was read
    sent: int = 0  # bytes of the reply handed to the socket
    client_gone: bool = False  # it left before it had everything
    done: bool = False
    messages: list[str | bytes] = field(default_factory=list)  # of a WebSocket

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    def header(self, name: str) -> str | None:
        """The value of a header, None if absent; several are joined by ", "."""
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        return ", ".join(values) if values else None

    def json(self) -> Any:
        return orjson.loads(self.body)
