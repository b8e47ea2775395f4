"""Doors for tests: Tracer's settings as a user would write them, no network."""

from typing import Any

from multidict import CIMultiDict

from tracer.config import Settings
from tracer.proxy.refused import Refused
from tracer.proxy.route import routes
from tracer.proxy.wanted import Wanted
from tracer.scale.translate import ScaleDoor

CHAT = "/v4/beta/chat/completions"
MESSAGES = [{"role": "user", "content": "Hi"}]
# One model name for each kind of upstream, with SELF_HOSTED as the default upstream of `door()`.
LOCAL = "http://127.0.0.1:9/v1"


def door(upstream: str = LOCAL, **settings: Any) -> ScaleDoor:
    """A door in front of a self-hosted default upstream, unless told otherwise."""
    given = Settings(upstream=upstream, **settings)
    return ScaleDoor.of(given, routes(given))


def chat(
    model: str = "smollm2", /, headers: dict[str, str] | None = None, at: ScaleDoor | None = None, **fields: Any
) -> Wanted:
    """A chat request through a door."""
    body = {"model": model, "messages": MESSAGES, **fields}
    return (at or door()).translate(CHAT, CIMultiDict(headers or {}), body)


def faults(refusal: Refused) -> list[dict[str, Any]]:
    """The list of a 422 in FastAPI's shape, which every one of them must have."""
    assert refusal.status == 422
    assert refusal.body is not None
    assert set(refusal.body) == {"detail"}
    detail = refusal.body["detail"]
    assert isinstance(detail, list)
    assert detail
    for fault in detail:
        assert set(fault) == {"loc", "msg", "type"}
        assert fault["msg"]
        assert fault["type"]
    return detail


def places(refusal: Refused) -> list[str]:
    """Where a 422 sees faults: "body.messages.0"."""
    return [".".join(map(str, fault["loc"])) for fault in faults(refusal)]
