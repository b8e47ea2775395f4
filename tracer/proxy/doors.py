"""The front doors that have a dialect of their own, as the forwarder knows them (dialect.py)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import orjson

from tracer.prompts.door import PromptsDoor
from tracer.proxy.refused import Refused
from tracer.proxy.relay import Filter
from tracer.proxy.route import Routes, Target
from tracer.proxy.wanted import Wanted
from tracer.registry.records import Caller
from tracer.scale import errors, extras
from tracer.scale.stream_end import StreamEnd
from tracer.scale.translate import ScaleDoor


@dataclass(frozen=True, slots=True)
class Prompts:
    """`POST /v1/prompts/{id}/completions`."""

    door: PromptsDoor
    routes: Routes
    name: str = "prompts"

    def translate(self, path: str, headers: Mapping[str, str], body: object, caller: Caller, named: Target | None) -> Wanted:
        wanted = self.door.translate(path, {} if body is None else body, caller)
        if not wanted.provider or wanted.provider in self.routes.targets:
            return wanted
        # A prompt that came from Portkey has a virtual key there, which need not be a provider here.
        note = f"the prompt's provider {wanted.provider[:64]!r} is not known here: the default upstream is asked"
        return replace(wanted, provider="", notes=(*wanted.notes, note))

    def secrets(self, body: object) -> tuple[bytes, ...]:
        return ()

    def shown(self, data: bytes, body: object) -> bytes:
        return data

    def error(self, message: str, refusal: Refused | None) -> Mapping[str, object] | None:
        return refusal.body if refusal else None

    def filters(self, path: str, wanted: Wanted) -> Sequence[Filter]:
        return ()


@dataclass(frozen=True, slots=True)
class Scale:
    """Scale SGP's chat, completions and responses."""

    door: ScaleDoor
    name: str = "scale"

    def translate(self, path: str, headers: Mapping[str, str], body: object, caller: Caller, named: Target | None) -> Wanted:
        return self.door.translate(path, headers, body, named)

    def secrets(self, body: object) -> tuple[bytes, ...]:
        return extras.hidden_values(body)

    def shown(self, data: bytes, body: object) -> bytes:
        masked = extras.masked(body)
        return data if masked is None else orjson.dumps(masked)

    def error(self, message: str, refusal: Refused | None) -> Mapping[str, object] | None:
        return errors.body(refusal) if refusal else errors.failed(message)

    def filters(self, path: str, wanted: Wanted) -> Sequence[Filter]:
        return () if wanted.sentinel else (StreamEnd(unname_errors=path.startswith("/v5/")),)
