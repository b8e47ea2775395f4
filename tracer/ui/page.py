"""What a page is to the rest: a path, what shows it, and its place in the navigation. tracer/ui/sitemap.py lists them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from tracer.ui.view import View

Show = Callable[[View], Awaitable[web.StreamResponse]]


class PageError(Exception):
    """A page that cannot be shown as asked: an HTTP status, what is wrong, and what to do about it."""

    def __init__(self, status: int, title: str, advice: str = "") -> None:
        super().__init__(title)
        self.status = status
        self.title = title
        self.advice = advice


@dataclass(frozen=True, slots=True)
class Page:
    """One route. With a `label` it stands in the navigation; `key` is the letter after g that leads there."""

    name: str
    path: str
    show: Show
    label: str = ""
    key: str = ""
    method: str = "GET"
    public: bool = False  # shown also to who has not logged in
