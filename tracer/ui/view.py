"""One request for a page: what it asks for, who asks, and the ways to answer. Every page gets one, and nothing else.

`ask` puts in whose rows the reader may see, so a page cannot forget it: the rule of tracer/api/visibility.py, as conditions on
`key_id` of calls and `workspace` of what carries one.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from tracer.api.visibility import sees, visible_keys
from tracer.config import Settings
from tracer.registry.records import Caller, Snapshot
from tracer.ui.queries import sql
from tracer.ui.reader import Reader, Row
from tracer.ui.rendering import Renderer
from tracer.ui.session import Session
from tracer.ui.times import TimeRange, time_range

_CALLS_OF = "has({visible_keys:Array(String)}, key_id)"
_WORKSPACE = "workspace = {visible_workspace:String}"


@dataclass(frozen=True, slots=True)
class View:
    """See the head of the file."""

    request: web.Request
    settings: Settings
    reader: Reader
    renderer: Renderer
    session: Session
    snapshot: Snapshot
    now: datetime

    @property
    def query(self) -> Mapping[str, str]:
        """The URL's parameters; of one that is given twice, the first."""
        return self.request.rel_url.query

    @property
    def caller(self) -> Caller:
        return self.session.caller

    @property
    def range(self) -> TimeRange:
        return time_range(self.query, self.now)

    def match(self, name: str) -> str:
        """A part of the path: `{call_id}`."""
        return self.request.match_info[name]

    @property
    def sees_all(self) -> bool:
        """Whether every row is the reader's to see."""
        return self._keys is None

    @property
    def _keys(self) -> frozenset[str] | None:
        def keys_of(workspace: str) -> frozenset[str]:
            return frozenset(key.id for key in self.snapshot.keys.values() if key.workspace == workspace)

        return visible_keys(self.caller, keys_of)

    async def ask(self, question: str, parts: Mapping[str, str] = {}, /, **values: Any) -> list[Row]:
        """The rows of `queries/<question>.sql`; `parts` are constants of the code, `values` are bound."""
        keys = self._keys
        visible = "true" if keys is None else _CALLS_OF
        workspace = "true" if keys is None else _WORKSPACE
        text = sql(question, visible=visible, visible_workspace=workspace, **parts)
        if keys is not None:
            values |= {"visible_keys": sorted(keys), "visible_workspace": self.caller.workspace}
        used = {name: value for name, value in values.items() if f"{{{name}:" in text}
        return await self.reader.rows(text, used)

    async def ask_all(self, *questions: str, **values: Any) -> list[list[Row]]:
        """Several questions with the same values, at once."""
        return await asyncio.gather(*(self.ask(question, **values) for question in questions))

    def shows(self, workspace: str) -> bool:
        """Whether a prompt, or anything that carries a workspace, is the reader's to see."""
        return sees(self.caller, workspace)

    def render(self, template: str, status: int = 200, **context: Any) -> web.Response:
        """The page as HTML. Give `title`; the layout has the rest."""
        text = self.renderer.html(template, view=self, session=self.session, **context)
        return web.Response(text=text, status=status, content_type="text/html", charset="utf-8")


def utc_now() -> datetime:
    return datetime.now(UTC)
