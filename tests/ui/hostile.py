"""Calls whose every text is hostile: what a model, a user or a provider may put there."""

from datetime import UTC, datetime
from typing import Any

from msgspec.structs import asdict, replace

from tests.store.samples import full_call
from tests.ui.reading import HOSTILE
from tracer import ids
from tracer.records import Call, Content

CONTENT = Content(
    request_headers={HOSTILE: HOSTILE},
    original_body=HOSTILE,
    request_body=HOSTILE,
    response_headers={HOSTILE: HOSTILE},
    response_body=HOSTILE,
    assembled=HOSTILE,
)


def hostile_call(number: int, **given: Any) -> Call:
    """A call that has HOSTILE wherever a text can be."""
    plain = full_call(number)
    texts = {name: _hostile(value) for name, value in asdict(plain).items() if not name.startswith("otel_")}
    values = {name: value for name, value in texts.items() if value is not None}
    trace = ids.otel_trace_id(HOSTILE)
    return replace(plain, **{**values, "otel_trace_id": trace, "started_at": datetime.now(UTC), "content": CONTENT, **given})


def _hostile(value: object) -> object:
    if isinstance(value, str):
        return HOSTILE
    if isinstance(value, tuple) and value and isinstance(value[0], str):
        return (HOSTILE, HOSTILE)
    return {HOSTILE: HOSTILE} if isinstance(value, dict) else None
