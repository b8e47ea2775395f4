"""Scale SGP's front door: a request in SGP's dialect as a call of the OpenAI door. Values in, values out.

    check types ─► place the model ─► each field by the table of fields.py ─► extra parameters on top

Invariants
- Raises nothing but Refused, whatever the body is; what it refuses never reaches an upstream.
- Nothing the caller sent is lost without a note, and no key appears in the upstream body that the caller did not cause.
- SGP's key and tenancy headers go to SGP and to nobody else. `x-openai-api-key` is the caller's key for OpenAI: it goes to
  api.openai.com or what stands for it, as the `Authorization` that OpenAI wants, and to nobody else.

Traps
- `Accept` says application/json for streams too, and a Scale SDK at the end of a stream breaks at a bare `data: [DONE]`:
  `sentinel` is False by path, never by header (tracer/scale/stream_end.py takes it out).
- Values of extra headers must stay out of the record, notes included: notes name headers only.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from tracer.config import Settings
from tracer.proxy.refused import Refused
from tracer.proxy.route import Routes, Target
from tracer.proxy.wanted import Wanted
from tracer.scale.changes import CHANGES, Draft, listed
from tracer.scale.errors import Fault, unprocessable
from tracer.scale.fields import FIELDS, Dialect, Do, Kind, row
from tracer.scale.names import Place, deployments, kind_of, place, vendor_of, vendor_target
from tracer.scale.validate import checked

MODELS_PATH = "/v5/chat/completions/models"
_DIALECTS = {
    "/v4/beta/chat/completions": Dialect.CHAT,
    "/v5/chat/completions": Dialect.CHAT,
    "/v4/beta/completions": Dialect.TEXT,
    "/v5/completions": Dialect.TEXT,
    "/v5/responses": Dialect.RESPONSES,
}
PATHS = frozenset(_DIALECTS)
_OPENAI_PATHS = {
    Dialect.CHAT: "/v1/chat/completions",
    Dialect.TEXT: "/v1/completions",
    Dialect.RESPONSES: "/v1/responses",
}

_OPENAI_KEY = "x-openai-api-key"
# SGP's credential and tenancy.
SGP_HEADERS = frozenset({"x-api-key", "x-selected-account-id", "x-project-id", _OPENAI_KEY})


@dataclass(frozen=True, slots=True)
class ScaleDoor:
    """Translates for one configuration; one per worker."""

    routes: Routes
    deployed: Mapping[str, tuple[Target, str]]
    old_vllm: frozenset[str] = frozenset()  # slugs, or "*"

    @classmethod
    def of(cls, settings: Settings, routes: Routes) -> "ScaleDoor":
        """Raises ConfigError."""
        return cls(routes, deployments(settings.scale_deployments, routes), frozenset(settings.scale_old_vllm))

    def translate(self, path: str, headers: Mapping[str, str], body: object, named: Target | None = None) -> Wanted:
        """The call that a request asks for.

        `path` is one of PATHS, `headers` a case-insensitive mapping, `body` the JSON value (None if it is none), `named` the
        upstream that the caller itself chose (by header, config or key), if it did. Raises Refused.
        """
        dialect = _DIALECTS.get(path)
        if dialect is None:
            raise Refused(404, "unknown_path", f"{path} is not a path of this door", {"detail": "Not Found"})
        sentinel = dialect is Dialect.RESPONSES
        if isinstance(body, dict) and kind_of(named or self.routes.default, self.routes) is Kind.SGP:
            return Wanted(path, body, sentinel=sentinel)
        sent = checked(dialect, body)
        to = place(str(sent["model"]), named, self.routes, self.deployed)
        if to.kind is Kind.SGP:
            return Wanted(path, {**sent, "model": to.model}, to.provider, sentinel=sentinel)
        draft = _drafted(dialect, to, sent, old_vllm=bool(self.old_vllm & {"*", to.target.slug}))
        added = _with_openai_key(draft, to, headers)
        return Wanted(
            path=_OPENAI_PATHS[dialect],
            body={**draft.body, **draft.extra},
            provider=to.provider,
            headers=added,
            drop=SGP_HEADERS | {name.lower() for name, _ in added},
            time_limit_s=draft.time_limit_s,
            notes=tuple(draft.notes),
            sentinel=sentinel,
        )

    def listing_target(self, vendor: str = "") -> tuple[Target, str]:
        """Whom to ask for the models of a vendor, the default upstream without one; and the vendor to list them under.

        Raises Refused.
        """
        if not vendor:
            return self.routes.default, vendor_of(self.routes.default, self.routes)
        if target := vendor_target(vendor, self.routes):
            return target, vendor
        fault = Fault(("model_vendor",), f"Vendor {vendor[:64]!r} has no upstream")
        raise unprocessable([fault], "unknown_provider", part="query")


def _drafted(dialect: Dialect, to: Place, sent: Mapping[str, object], *, old_vllm: bool) -> Draft:
    """The upstream body and what goes with it, by the table. Raises Refused."""
    draft = Draft(to.model, old_vllm)
    if to.note:
        draft.note(to.note)
    _take_what_needs_no_change(draft, dialect, to, sent)
    for name, change in CHANGES[dialect].items():
        key, inside, _ = name.partition("[")
        do = FIELDS[dialect][name].ways.of(to.kind)
        if sent.get(key) is not None and (do is Do.TRANSLATE or (inside and do is Do.DROP)):
            change(draft, name, sent[key])
    if draft.extra:
        draft.note(f"inference_extra_params: sent {listed(list(draft.extra))}")
    if replaced := [name for name in draft.extra if name in draft.body]:
        draft.note(f"inference_extra_params: in place of the field of that name: {listed(replaced)}")
    return draft


def _take_what_needs_no_change(draft: Draft, dialect: Dialect, to: Place, sent: Mapping[str, object]) -> None:
    """Fields that pass go into the draft, those that are left out into its notes. Raises Refused for those that cannot go."""
    refused: list[Fault] = []
    for name, value in sent.items():
        field = row(dialect, name)
        do = field.ways.of(to.kind) if field else Do.PASS
        if do is Do.PASS:
            draft.body[name] = value
        elif do is Do.DROP and value is not None:  # null is as good as absent
            draft.note(f"{name} was left out: upstream {to.target.slug} does not take it")
        elif do is Do.REFUSE and value is not None:
            refused.append(Fault((name,), _CANNOT.format(slug=to.target.slug, name=name)))
    if refused:
        raise unprocessable(refused, "unsupported")


_CANNOT = "Upstream {slug} does not take {name}; self-hosted ones do (inference_extra_params sends a parameter as it is)"


def _with_openai_key(draft: Draft, to: Place, headers: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """The draft's headers, with the caller's own OpenAI key where it may go."""
    key = headers.get(_OPENAI_KEY, "").strip()
    if not key:
        return draft.headers
    if to.target.slug == "openai" and to.kind is Kind.OPENAI and not to.target.custom:
        return (*draft.headers, ("Authorization", f"Bearer {key}"))
    draft.note(f"{_OPENAI_KEY} was left out: the upstream is not OpenAI")
    return draft.headers
