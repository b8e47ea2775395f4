"""The SQL behind the API's answers, one question a file.

Values are bound (`{name:Type}`). What stands behind a `$` is put in from constants of the code, never from a request:
`$filters` and `$feedback` are made by filters.py, the rest stands here.
"""

from functools import cache
from importlib import resources
from string import Template

# The model that answered, or if none did the one that was asked for.
MODEL = "if(response_model = '', request_model, response_model)"
# Portkey's: to the first token of a stream, to the end of everything else.
RESPONSE_TIME = "if(stream, coalesce(ttft_ms, ttfb_ms, duration_ms), duration_ms)"
# A client that left says nothing about the answer it would have got.
FAILED = "outcome NOT IN ('ok', 'cache_hit', 'client_gone')"
TIMESTAMP = (
    "formatDateTime(toDateTime(intDiv(toUnixTimestamp(started_at), {bucket:UInt32}) * {bucket:UInt32}, 'UTC'),"
    " '%Y-%m-%dT%H:%i:%SZ', 'UTC')"
)


def sql(question: str, **parts: str) -> str:
    """The question of that name with its parts in place."""
    return _template(question).substitute(model=MODEL, response_time=RESPONSE_TIME, failed=FAILED, timestamp=TIMESTAMP, **parts)


@cache
def _template(name: str) -> Template:
    return Template(resources.files(__name__).joinpath(f"{name}.sql").read_text("utf-8").strip())
