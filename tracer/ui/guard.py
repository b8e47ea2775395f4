"""Around every page: who may see it, what a browser may do with it, and what stands there when it cannot be shown.

Order, from the outside in: `errors` (any failure becomes a page), `known_host`, `logged_in` (the session, forms' tokens).

- The policy lets a page load its own files and nothing else: no inline script or style, no frame, no foreign form target.
- Without a login, whoever reaches the port sees everything, so a web site must not reach it through its visitor's browser by a
  name of its own that leads to 127.0.0.1 (DNS rebinding): then the Host must be an address, localhost, or in TRACER_UI_HOSTS.
- The cookie is SameSite=Strict, so a link from elsewhere comes without it. Such a request is sent once around the page itself,
  which makes it same-site, before anybody is asked to log in.
"""

import ipaddress
import logging
from collections.abc import Awaitable, Callable

from aiohttp import web
from yarl import URL

from tracer.store.client import QueryFailed, StoreError
from tracer.ui import held
from tracer.ui.page import PageError
from tracer.ui.reader import TookTooLong
from tracer.ui.session import COOKIE, LASTS_SECONDS, Session

_log = logging.getLogger(__name__)

Handle = Callable[[web.Request], Awaitable[web.StreamResponse]]

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
FORM_TOKEN = "token"  # the field's name
_OUT_OF_TIME, _OUT_OF_MEMORY = (159, 160, 209), 241


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """On every reply, before its head goes out."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Cache-Control", "no-store")


def set_cookie(request: web.Request, response: web.StreamResponse, value: str) -> None:
    """The session's cookie, unless the reply sets one already."""
    if COOKIE not in response.cookies:
        secure = request.secure or request.headers.get("X-Forwarded-Proto", "").strip().lower() == "https"
        response.set_cookie(
            COOKIE, value, max_age=LASTS_SECONDS, path="/", httponly=True, samesite="Strict", secure=secure or None
        )


@web.middleware
async def errors(request: web.Request, handler: Handle) -> web.StreamResponse:
    """Every failure as a page with its status; a browser that is new here gets its cookie."""
    response = await _answered(request, handler)
    session: Session | None = request.get(held.SESSION)
    if session is not None and session.is_new and response.content_type == "text/html" and not response.prepared:
        value = request.app[held.SESSIONS].cookie("", session.nonce, request.app[held.NOW]().timestamp())
        set_cookie(request, response, value)
    return response


async def _answered(request: web.Request, handler: Handle) -> web.StreamResponse:
    try:
        return await handler(request)
    except PageError as error:
        return _shown(request, error)
    except web.HTTPRedirection:
        raise
    except web.HTTPNotFound:
        return _shown(request, PageError(404, "There is no such page", "The address may be mistyped, or from another version."))
    except web.HTTPException as error:
        return _shown(request, PageError(error.status, error.reason, ""))
    except (StoreError, TookTooLong) as error:
        return _shown(request, _told(error))
    except ConnectionError:  # the browser left
        raise
    except Exception:  # the pages' request edge: whatever it was, the reader gets a page and the log the trace
        _log.exception("the page %s failed", request.path)
        return _shown(
            request, PageError(500, "This page has a fault", "The log of the process `ui` says which; please report it.")
        )


@web.middleware
async def known_host(request: web.Request, handler: Handle) -> web.StreamResponse:
    """Refuse names that anybody could have chosen, where there is no login to protect what is shown."""
    app = request.app
    if (
        request.path != "/health"
        and not _session(request).needed
        and not is_known_host(request.host, app[held.SETTINGS].ui_hosts)
    ):
        raise PageError(421, "This name is not known to Tracer", f"Add {request.host!r} to TRACER_UI_HOSTS, or use an address.")
    return await handler(request)


@web.middleware
async def logged_in(request: web.Request, handler: Handle) -> web.StreamResponse:
    """Give the request its session; send who needs one to the login; refuse forms without their token."""
    session = _session(request)
    if request.method not in ("GET", "HEAD"):
        form = await request.post()
        token = form.get(FORM_TOKEN, "")
        if not isinstance(token, str) or not request.app[held.SESSIONS].is_token(session, token):
            raise PageError(403, "This form is out of date", "Go back, reload the page and send it again.")
    name = request.match_info.route.name or ""
    if session.allowed or name in request.app[held.PUBLIC]:
        return await handler(request)
    if request.headers.get("Sec-Fetch-Site") == "cross-site" and request.method == "GET":
        return _render(request, "again.html", 200)
    where = URL("/login").with_query(next=request.raw_path) if request.method == "GET" else URL("/login")
    raise web.HTTPSeeOther(where)


def is_known_host(host: str, named: tuple[str, ...]) -> bool:
    """Whether a Host header is an address, localhost, or one of these names."""
    try:
        name = (URL(f"http://{host}").host or "").rstrip(".").lower()
    except ValueError:
        return False
    if name == "localhost" or name.endswith(".localhost") or name in (each.lower() for each in named):
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _session(request: web.Request) -> Session:
    found: Session | None = request.get(held.SESSION)
    if found is None:
        app = request.app
        now_s = app[held.NOW]().timestamp()
        found = app[held.SESSIONS].read(request.cookies.get(COOKIE, ""), app[held.WATCHER].current.keys, now_s)
        request[held.SESSION] = found
    return found


def _told(error: StoreError | TookTooLong) -> PageError:
    if isinstance(error, TookTooLong) or (isinstance(error, QueryFailed) and error.code in _OUT_OF_TIME):
        return PageError(504, "The store took too long", "Ask for a shorter time, or fewer columns to filter by.")
    if isinstance(error, QueryFailed) and error.code == _OUT_OF_MEMORY:
        return PageError(507, "The question needs more memory than the store may use", "Ask for a shorter time.")
    if isinstance(error, QueryFailed):
        _log.error("a page's question was refused: %s", error)
        return PageError(
            500, "The store refused a question of this page", "The log of the process `ui` says why; please report it."
        )
    return PageError(503, "The store does not answer", str(error))


def _shown(request: web.Request, error: PageError) -> web.Response:
    return _render(request, "error.html", error.status, title=error.title, error=error)


def _render(request: web.Request, template: str, status: int, **context: object) -> web.Response:
    text = request.app[held.RENDERER].html(template, session=_session(request), path=request.path, **context)
    return web.Response(text=text, status=status, content_type="text/html", charset="utf-8")
