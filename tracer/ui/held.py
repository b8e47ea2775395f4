"""What the application and a request hold, by typed names."""

from collections.abc import Callable
from datetime import datetime

from aiohttp import web

from tracer.config import Settings
from tracer.registry.snapshot import Watcher
from tracer.ui.attempts import Attempts
from tracer.ui.reader import Reader
from tracer.ui.rendering import Renderer
from tracer.ui.session import Session, Sessions

SETTINGS = web.AppKey("settings", Settings)
READER = web.AppKey("reader", Reader)
CONSOLE = web.AppKey("console", Reader)  # for SQL that a person typed: its own threads and limits
DOWNLOADS = web.AppKey("downloads", Reader)
RENDERER = web.AppKey("renderer", Renderer)
SESSIONS = web.AppKey("sessions", Sessions)
WATCHER = web.AppKey("watcher", Watcher)
ATTEMPTS = web.AppKey("attempts", Attempts)
NOW: web.AppKey[Callable[[], datetime]] = web.AppKey("now")
PUBLIC: web.AppKey[frozenset[str]] = web.AppKey("public", frozenset)

SESSION = web.RequestKey("session", Session)
