"""The SQL behind the pages, one question a file.

Values are bound (`{name:Type}`). What stands behind a `$` is put in from constants of the code, never from a request. Each file
that reads calls has `$visible`, and each that reads feedback or applications' spans `$visible_workspace`: whose rows the reader
of the page may see (tracer/api/visibility.py). tests/ui holds that none forgets it.
"""

from functools import cache
from importlib import resources
from string import Template


def sql(question: str, **parts: str) -> str:
    """The question of that name with its parts in place."""
    return _template(question).substitute(parts)


@cache
def _template(name: str) -> Template:
    return Template(resources.files(__name__).joinpath(f"{name}.sql").read_text("utf-8").strip())
