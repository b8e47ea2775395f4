"""Log in with a Tracer key, log out. Failed attempts are counted by address, though a key cannot be guessed."""

from aiohttp import web

from tracer.ui import guard, held
from tracer.ui.attempts import IN
from tracer.ui.session import COOKIE
from tracer.ui.view import View


async def show(view: View) -> web.StreamResponse:
    if view.session.allowed and (view.session.key_name or not view.session.needed):
        raise web.HTTPSeeOther(_local(view.query.get("next", "")))
    return _form(view, 200, "")


async def enter(view: View) -> web.StreamResponse:
    """POST: the key, checked; a cookie and on to the page that was asked for."""
    attempts = view.request.app[held.ATTEMPTS]
    address = view.request.remote or ""
    if attempts.too_many(address, view.now):
        response = _form(view, 429, "Too many attempts. Wait five minutes.")
        response.headers["Retry-After"] = str(int(IN.total_seconds()))
        return response
    form = await view.request.post()
    typed = form.get("key", "")
    cookie = view.request.app[held.SESSIONS].login(str(typed), view.snapshot.keys, view.now.timestamp())
    if cookie is None:
        attempts.failed(address, view.now)
        return _form(view, 401, "This is no key of this Tracer, or it was revoked.")
    response = web.HTTPSeeOther(_local(str(form.get("next", ""))))
    guard.set_cookie(view.request, response, cookie)
    raise response


async def leave(view: View) -> web.StreamResponse:
    """POST: forget who this was."""
    response = web.HTTPSeeOther("/login" if view.session.needed else "/")
    response.del_cookie(COOKIE, path="/")
    raise response


def _form(view: View, status: int, problem: str) -> web.Response:
    return view.render("login.html", status, title="Log in", problem=problem, next=_local(view.query.get("next", "")))


def _local(path: str) -> str:
    """A path of ours, and nothing that a browser would take for another host."""
    is_ours = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if is_ours else "/"
