"""`/v1/prompts/{id}[@tag]/completions` and `/render`: which prompt, and which of its versions.

The `@` may come as `%40`. A tag of digits is a version's number, `latest` the newest, published or not, `default` (a name that
no label may have) and no tag at all the published one; anything else is a label.

Whatever does not name a version that the caller may use gets one and the same answer, a 404 "Invalid prompt id": an unknown
prompt, version or label, a prompt of another workspace, and paths that try something (encoded slashes, dot segments, control
characters, more than a name's length). So nobody learns what others have.
"""

from dataclasses import dataclass
from typing import Literal, cast
from urllib.parse import unquote

from tracer.prompts.template import Partials
from tracer.proxy.refused import Refused
from tracer.registry.records import Caller, Partial, Prompt, PromptVersion, Snapshot

PREFIX = "/v1/prompts/"
LONGEST = 256  # of an id with its tag; a UUID has 36 characters

Action = Literal["completions", "render"]


@dataclass(frozen=True, slots=True)
class Address:
    id: str
    tag: str
    action: Action


def action(path: str) -> Action | None:
    """Whether a request target is a call of a prompt, however odd the id in it; such paths are nobody else's."""
    path = path.partition("?")[0]
    last = path.rpartition("/")[2]
    return cast(Action, last) if path.startswith(PREFIX) and last in ("completions", "render") else None


def parse(path: str) -> Address:
    """The address in a request target as it was sent. Raises Refused."""
    asked = action(path)
    middle = path.partition("?")[0].removeprefix(PREFIX).rpartition("/")[0]
    if asked is None or len(middle) > LONGEST:
        raise not_found()
    name = unquote(middle)
    if not name.isprintable() or any(c in "/\\?# \ufffd" for c in name):
        raise not_found()
    prompt_id, at, tag = name.partition("@")
    if at and not tag:
        raise not_found()
    return Address(prompt_id, tag, asked)


def find(snapshot: Snapshot, address: Address, caller: Caller) -> tuple[Prompt, PromptVersion]:
    """The version that an address means for this caller. Raises Refused."""
    prompt = snapshot.prompts.get(address.id)
    if prompt is None or not _usable(prompt, caller.workspace):
        raise not_found()
    version = prompt.versions.get(_number(prompt, address.tag))
    if version is None:
        raise not_found()
    return prompt, version


def partials(snapshot: Snapshot, prompt: Prompt, caller: Caller) -> Partials:
    """Where a prompt's partials are looked up: in the caller's workspace, or the prompt's if the caller has none."""
    workspace = caller.workspace or prompt.workspace

    def text(name: str) -> str | None:
        slug, _, tag = name.partition("@")
        partial = snapshot.partials.get(slug)
        if partial is None or not _usable(partial, workspace):
            return None
        number = partial.published if not tag else max(partial.versions, default=0) if tag == "latest" else _digits(tag)
        return partial.versions.get(number)

    return text


def not_found() -> Refused:
    return Refused(404, "prompt_not_found", "Invalid prompt id")


def _usable(item: Prompt | Partial, workspace: str) -> bool:
    return not workspace or item.workspace == workspace


def _number(prompt: Prompt, tag: str) -> int:
    """The number of the version that a tag means; 0 is nobody's."""
    if tag in ("", "default"):
        return prompt.published
    if tag == "latest":
        return max(prompt.versions, default=0)
    if tag.isdigit():
        return _digits(tag)
    return max((number for number, version in prompt.versions.items() if tag in version.labels), default=0)


def _digits(tag: str) -> int:
    return int(tag) if tag.isascii() and tag.isdigit() else 0
