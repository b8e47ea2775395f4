"""Templates to HTML. Everything that stands in braces is escaped, whatever the file is called; a name that is not there raises.

Model output, user names and error texts come from outside and land here: no template may use `|safe`, an inline handler or an
inline style (tests/ui/test_templates.py reads them all), and the Content-Security-Policy of guard.py stands behind that.
"""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

import jinja2

from tracer import __version__
from tracer.ui import formats
from tracer.ui.times import SINCES


class Renderer:
    """One environment for a process."""

    def __init__(self, pages: Iterable[Any], static: Mapping[str, str]) -> None:
        environment = jinja2.Environment(
            loader=jinja2.PackageLoader("tracer.ui", "templates"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        environment.filters |= formats.FILTERS
        environment.globals |= {
            "static": static,
            "nav": [page for page in pages if page.label],
            "version": __version__,
            "link": link,
            "sinces": SINCES,
        }
        self._environment = environment

    def html(self, template: str, **context: Any) -> str:
        return self._environment.get_template(template).render(context)


def link(path: str, query: Mapping[str, Any] | None = None, **changed: Any) -> str:
    """A URL: `path` with the parameters of `query`, some `changed`; None or "" takes one out."""
    values = {**(query or {}), **changed}
    kept = {name: value for name, value in values.items() if value not in (None, "")}
    return f"{path}?{urlencode(kept)}" if kept else path
