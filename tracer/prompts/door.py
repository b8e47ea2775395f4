"""The front door of prompts: a request to a prompt's address made into a call of the OpenAI door.

Pure but for reading the snapshot of the moment, once for each request, so prompt and partials are of one revision.
"""

from collections.abc import Callable

from tracer.prompts.address import find, parse, partials
from tracer.prompts.render import rendered, wanted
from tracer.proxy.wanted import Wanted
from tracer.registry.records import Caller, Snapshot


class PromptsDoor:
    def __init__(self, snapshot: Callable[[], Snapshot]) -> None:
        self._snapshot = snapshot

    def translate(self, path: str, body: object, caller: Caller) -> Wanted:
        """What to ask of the provider. `path` is the request target as sent, `body` the parsed JSON. Raises Refused."""
        snapshot = self._snapshot()
        prompt, version = find(snapshot, parse(path), caller)
        return wanted(prompt, version, body, partials(snapshot, prompt, caller))

    def render(self, path: str, body: object, caller: Caller) -> dict[str, object]:
        """The reply of `/render`: the same, shown and not sent. Raises Refused."""
        return rendered(self.translate(path, body, caller))
