"""A client's connection as aiohttp's own classes see it, to which it is lent for WebSockets and for Tracer's own endpoints.

They ask their protocol for a few attributes, for `keep_alive`, and for `set_parser` once a WebSocket's handshake is written:
from then on what the client sends are frames. What came behind the handshake before that waits in `_after_upgrade`.
"""

import asyncio
from collections.abc import Callable

from aiohttp.base_protocol import BaseProtocol
from aiohttp.http import WebSocketReader

# One header, or the request line. Portkey's metadata and config travel in headers, so more than the usual 8 KiB.
LONGEST_HEADER = 64 << 10
MOST_HEADERS = 128


class Lent(BaseProtocol):
    """See the head of this file. `closing`: no further request will be served."""

    # TLS ends in front of Tracer.
    ssl_context = None
    max_line_size = max_field_size = LONGEST_HEADER
    max_headers = MOST_HEADERS
    _timeout_ceil_threshold = 5.0

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self.closing = False
        self._frames: WebSocketReader | None = None
        self._frames_arrived: Callable[[], None] | None = None
        self._after_upgrade = b""

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        return self._loop

    @property
    def peername(self) -> object:
        return self.transport.get_extra_info("peername") if self.transport else None

    @property
    def sockname(self) -> object:
        return self.transport.get_extra_info("sockname") if self.transport else None

    def set_parser(self, parser: WebSocketReader, data_received_cb: Callable[[], None] | None = None) -> None:
        """From now on this is a WebSocket (aiohttp's WebSocketResponse calls it when the handshake is written)."""
        self._frames, self._frames_arrived = parser, data_received_cb
        early, self._after_upgrade = self._after_upgrade, b""
        if early:
            parser.feed_data(early)
        if self._buffer_paused:
            self._resume_reading_for_buffer()

    def keep_alive(self, value: bool) -> None:
        """aiohttp's WebSocketResponse says that no request follows."""
        self.closing = not value

    def write(self, data: bytes) -> None:
        """Write beside a reply: permission to go on."""
        if self.transport is not None:
            self.transport.write(data)

    def _take_frames(self, data: bytes) -> None:
        assert self._frames is not None
        if self._frames_arrived is not None:
            self._frames_arrived()
        ended, _ = self._frames.feed_data(data)
        if ended:
            self.closing = True

    def _end_frames(self) -> None:
        if self._frames is not None:
            self._frames.feed_eof()
            self._frames = None
