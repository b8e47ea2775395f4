"""The bodies of a call as a page shows them: a conversation, JSON in colours, and what a front door made of the request."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tracer.ui.code import Code, json_code
from tracer.ui.conversation.parts import Conversation, pretty
from tracer.ui.conversation.read import conversation
from tracer.ui.diff import Line, diff

# Name in a URL → column of llm.bodies.
BODIES = {"request": "request_body", "original": "original_body", "response": "response_body", "assembled": "assembled"}
_TITLES = {
    "original": "Request, as the client sent it",
    "request": "Request",
    "assembled": "Response, put together",
    "response": "Response",
}
_MOST_DIFFERENCES = 400
_LONGEST_COMPARED = 200_000


@dataclass(frozen=True, slots=True)
class Block:
    """One body. `size` is that of the text that is kept."""

    name: str
    title: str
    code: Code
    size: int


@dataclass(frozen=True, slots=True)
class Bodies:
    """Everything that is kept of what was said. `sent` is what the client sent."""

    conversation: Conversation
    blocks: tuple[Block, ...]
    differences: tuple[Line, ...]
    sent: str
    request_headers: Mapping[str, str]
    response_headers: Mapping[str, str]

    @property
    def was_changed(self) -> bool:
        """Whether Tracer made another request of what the client sent."""
        return self.has("original")

    def has(self, name: str) -> bool:
        """Whether this body was kept."""
        return any(block.name == name for block in self.blocks)


def bodies_of(row: Mapping[str, Any]) -> Bodies:
    """The bodies of a row of `call-bodies`."""
    original, request = row["original_body"], row["request_body"]
    return Bodies(
        conversation=conversation(request, row["response_body"], row["assembled"]),
        blocks=tuple(_block(row, name) for name in _TITLES if row[BODIES[name]]),
        differences=_differences(original, request) if original else (),
        sent=original or request,
        request_headers=row["request_headers"],
        response_headers=row["response_headers"],
    )


def _block(row: Mapping[str, Any], name: str) -> Block:
    title = _TITLES[name]
    if name == "request" and row["original_body"]:
        title = "Request, as it went to the provider"
    if name == "response" and row["assembled"]:
        title = "Response, its events as they came"
    return Block(name, title, json_code(pretty(row[BODIES[name]])), row[f"{name}_size"])


def _differences(original: str, request: str) -> tuple[Line, ...]:
    before, after = pretty(original), pretty(request)
    if len(before) > _LONGEST_COMPARED or len(after) > _LONGEST_COMPARED:
        return ()
    return diff(before, after)[:_MOST_DIFFERENCES]
