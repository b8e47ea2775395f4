"""The pages as an aiohttp application: routes from the site map, guards around them, what they need inside."""

from collections.abc import Callable
from datetime import datetime

from aiohttp import web

from tracer.config import Settings
from tracer.registry.snapshot import Watcher
from tracer.ui import guard, held
from tracer.ui.assets import PATH, Assets
from tracer.ui.attempts import Attempts
from tracer.ui.page import Page
from tracer.ui.pages.sql import SCREEN_ROWS
from tracer.ui.reader import Reader
from tracer.ui.rendering import Renderer
from tracer.ui.session import Sessions
from tracer.ui.sitemap import PAGES
from tracer.ui.view import View, utc_now

CONSOLE_SECONDS = 60.0
# One row more than is shown, so that a page can say that there are more.
_SCREEN = {"limit": str(SCREEN_ROWS + 1), "max_result_bytes": str(64 << 20)}
_DOWNLOAD = {"max_result_bytes": str(256 << 20)}
_LARGEST_FORM = 1 << 20


def application(settings: Settings, watcher: Watcher, secret: bytes, now: Callable[[], datetime] = utc_now) -> web.Application:
    """The application; it closes what it opened when it is cleaned up."""
    assets = Assets()
    app = web.Application(middlewares=[guard.errors, guard.known_host, guard.logged_in], client_max_size=_LARGEST_FORM)
    app[held.SETTINGS] = settings
    app[held.READER] = Reader(settings)
    app[held.CONSOLE] = Reader(settings, CONSOLE_SECONDS, _SCREEN)
    app[held.DOWNLOADS] = Reader(settings, CONSOLE_SECONDS, _DOWNLOAD)
    app[held.RENDERER] = Renderer(PAGES, assets.urls)
    app[held.SESSIONS] = Sessions(secret, settings.require_key)
    app[held.ATTEMPTS] = Attempts()
    app[held.WATCHER] = watcher
    app[held.NOW] = now
    app[held.PUBLIC] = frozenset({"static", "health", *(page.name for page in PAGES if page.public)})
    app.router.add_get(PATH + "{name}", assets.serve, name="static")
    app.router.add_get("/health", _health, name="health")
    for page in PAGES:
        app.router.add_route(page.method, page.path, _shown(page), name=page.name)
    app.on_response_prepare.append(guard.add_headers)
    app.on_cleanup.append(_close)
    return app


def _shown(page: Page) -> guard.Handle:
    async def handle(request: web.Request) -> web.StreamResponse:
        app = request.app
        return await page.show(
            View(
                request=request,
                settings=app[held.SETTINGS],
                reader=app[held.READER],
                renderer=app[held.RENDERER],
                session=request[held.SESSION],
                snapshot=app[held.WATCHER].current,
                now=app[held.NOW](),
            )
        )

    return handle


async def _health(request: web.Request) -> web.Response:
    return web.Response(text="ok\n")


async def _close(app: web.Application) -> None:
    for reader in (held.READER, held.CONSOLE, held.DOWNLOADS):
        app[reader].close()
