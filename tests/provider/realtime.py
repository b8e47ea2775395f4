"""A WebSocket echo, as the answer to an upgrade request (wsproto speaks the frames).

Text and binary messages come back as they went in. A text message that starts with "close" makes the provider close with
code 4000, "drop" makes it reset the connection, and pings get their pong from wsproto.
"""

import asyncio
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass

from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Event, Ping, TextMessage
from wsproto.extensions import Extension, PerMessageDeflate
from wsproto.utilities import generate_accept_token

from tests.provider.request import Request

CLOSE_CODE = 4000


@dataclass(frozen=True)
class WebSocketEcho:
    """Accepts the upgrade with the first offered subprotocol (and permessage-deflate if `deflate`), then echoes."""

    deflate: bool = False
    greeting: str = ""  # a message that the provider sends first, in the same write as the 101
    early: bool = False

    async def converse(
        self,
        request: Request,
        received: bytes,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        changed: Callable[[], None],
    ) -> None:
        extensions = self._extensions(request)
        frames = Connection(ConnectionType.SERVER, extensions=extensions, trailing_data=received)
        writer.write(self._handshake(request, extensions))
        if self.greeting:
            writer.write(frames.send(TextMessage(data=self.greeting)))
        text: list[str | bytes] = []
        while True:
            for event in frames.events():
                if not self._react(event, frames, request, text, writer):
                    return
                changed()
            data = await reader.read(65536)
            if not data:
                request.client_gone = True
                return
            frames.receive_data(data)

    def _extensions(self, request: Request) -> list[Extension]:
        offer = request.header("sec-websocket-extensions") or ""
        if not self.deflate or "permessage-deflate" not in offer:
            return []
        deflate = PerMessageDeflate()
        deflate.accept(offer.split(",")[0])
        return [deflate]

    def _handshake(self, request: Request, extensions: list[Extension]) -> bytes:
        token = generate_accept_token((request.header("sec-websocket-key") or "").encode())
        lines = [
            "HTTP/1.1 101 Switching Protocols",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Accept: {token.decode()}",
        ]
        if offered := request.header("sec-websocket-protocol"):
            lines.append(f"Sec-WebSocket-Protocol: {offered.split(',')[0].strip()}")
        if extensions:
            lines.append("Sec-WebSocket-Extensions: permessage-deflate")
        return "\r\n".join([*lines, "", ""]).encode()

    def _react(
        self,
        event: Event,
        frames: Connection,
        request: Request,
        parts: list[str | bytes],
        writer: asyncio.StreamWriter,
    ) -> bool:
        """Answer one event; False when the conversation is over. `parts` collects a message that came in several frames."""
        if isinstance(event, CloseConnection):
            if frames.state is ConnectionState.REMOTE_CLOSING:  # else it is the reply to our own
                writer.write(frames.send(event.response()))
            return False
        if isinstance(event, Ping):
            writer.write(frames.send(event.response()))
        if isinstance(event, TextMessage | BytesMessage):
            parts.append(event.data if isinstance(event.data, str) else bytes(event.data))
            if event.message_finished:
                return self._echo(_joined(parts), frames, request, writer)
        return True

    def _echo(self, message: str | bytes, frames: Connection, request: Request, writer: asyncio.StreamWriter) -> bool:
        request.messages.append(message)
        if isinstance(message, bytes):
            writer.write(frames.send(BytesMessage(data=message)))
        elif message.startswith("close"):
            writer.write(frames.send(CloseConnection(code=CLOSE_CODE, reason="asked for")))
        elif message.startswith("drop"):
            linger = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            writer.transport.abort()
            return False
        else:
            writer.write(frames.send(TextMessage(data=message)))
        return True


def _joined(parts: list[str | bytes]) -> str | bytes:
    whole = parts[0][:0].join(parts)  # type: ignore[arg-type]  # all parts of a message are of one type
    parts.clear()
    return whole
