"""SGP's model names: `vendor/model_name[/deployment]` to an upstream and the name that it knows the model by.

In this order
1. The caller, or its key, names a provider or a host: that one. The vendor is taken off if it is that provider's.
2. The default upstream is SGP: it gets the name as it came.
3. The whole name is in TRACER_SCALE_DEPLOYMENTS: what that says. Only so is a third segment a deployment; model names hold
   slashes of their own (`fireworks_ai/accounts/fireworks/models/x`), so the vendor ends at the first one.
4. The first segment is one of SGP's vendors: that vendor's upstream. Models that Scale hosts itself (launch, llmengine,
   model_zoo) have no upstream of their own outside of Scale: without TRACER_UPSTREAM_LAUNCH and so on they go to the default
   upstream if that is self-hosted, else the call is refused.
5. The first segment is a provider that only the configuration knows (TRACER_UPSTREAM_<NAME>): that one.
6. What is left has no vendor. A self-hosted default upstream, or one whose own names have slashes (OpenRouter, Ollama), gets
   it as it came: so is a local model reached. Before OpenAI and Anthropic, whose names have none, a first segment that is no
   provider at all is refused: its prompt was meant for somebody else.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from tracer.config import ConfigError
from tracer.proxy.providers import PROVIDERS
from tracer.proxy.refused import Refused
from tracer.proxy.route import Routes, Target
from tracer.scale.errors import invalid
from tracer.scale.fields import Kind

# SGP's InferenceModelVendor, mostly LiteLLM's names, to Tracer's slugs.
VENDORS: Mapping[str, str] = {
    "openai": "openai",
    "cohere": "cohere",
    "vertex_ai": "vertex-ai",
    "anthropic": "anthropic",
    "azure": "azure-openai",
    "gemini": "google",
    "launch": "launch",
    "llmengine": "llmengine",
    "model_zoo": "model-zoo",
    "bedrock": "bedrock",
    "xai": "x-ai",
    "fireworks_ai": "fireworks-ai",
}
HOSTED_BY_SCALE = ("llmengine", "launch", "model_zoo")
SGP_SLUG = "scale"

_KINDS = {
    "openai": Kind.OPENAI,
    "azure-openai": Kind.OPENAI,
    "anthropic": Kind.ANTHROPIC,
    SGP_SLUG: Kind.SGP,
    "vllm": Kind.SELF_HOSTED,
}
_WITHOUT_SLASHES = (Kind.OPENAI, Kind.ANTHROPIC)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a call goes. `provider` is the slug to ask for; "" where the caller or the default decides."""

    target: Target
    kind: Kind
    provider: str
    model: str
    note: str = ""


def kind_of(target: Target, routes: Routes) -> Kind:
    """What an upstream is. A URL that nobody gave a name has OpenAI's slug, and is taken for a server of one's own."""
    if target.slug == "openai" and target != routes.targets["openai"] and target.host != "api.openai.com":
        return Kind.SELF_HOSTED
    return _KINDS.get(target.slug, Kind.OTHER if target.slug in PROVIDERS else Kind.SELF_HOSTED)


def deployments(configured: Mapping[str, str], routes: Routes) -> dict[str, tuple[Target, str]]:
    """TRACER_SCALE_DEPLOYMENTS with its providers looked up. Raises ConfigError."""
    made = {}
    for name, meant in configured.items():
        slug, _, model = meant.partition("/")
        target = routes.targets.get(slug)
        if target is None or not model:
            raise ConfigError(
                f"TRACER_SCALE_DEPLOYMENTS: {name!r} should be set to provider/model with a provider that has an upstream "
                f"({', '.join(sorted(routes.targets))}), not to {meant!r}"
            )
        made[name] = (target, model)
    return made


def place(model: str, named: Target | None, routes: Routes, deployed: Mapping[str, tuple[Target, str]]) -> Place:
    """Where a call for `model` goes; `named` is the upstream that the caller names, if it does. Raises Refused."""
    vendor, slash, rest = model.partition("/")
    if not model or (vendor in VENDORS and slash and not rest):
        raise invalid("model", "Should be vendor/model_name or vendor/model_name/deployment")
    if named is not None:
        kind = kind_of(named, routes)
        own = kind is not Kind.SGP and slash and VENDORS.get(vendor) == named.slug
        return Place(named, kind, "", _upstream_name(vendor, rest) if own else model)
    default_kind = kind_of(routes.default, routes)
    if default_kind is Kind.SGP:
        return Place(routes.default, default_kind, "", model)
    if deployment := deployed.get(model):
        target, name = deployment
        return Place(
            target, kind_of(target, routes), target.slug, name, f"model: deployment {model} is {name} of {target.slug}"
        )
    if slash and vendor in VENDORS:
        return _of_vendor(vendor, rest, routes, default_kind)
    return _of_another(model, routes, default_kind)


def _of_vendor(vendor: str, rest: str, routes: Routes, default_kind: Kind) -> Place:
    slug = VENDORS[vendor]
    target = routes.targets.get(slug)
    if target is not None:
        return Place(target, kind_of(target, routes), slug, _upstream_name(vendor, rest))
    if vendor in HOSTED_BY_SCALE and default_kind is Kind.SELF_HOSTED:
        return Place(
            routes.default, default_kind, "", rest, f"model: vendor {vendor} has no upstream; the default one was asked"
        )
    setting = "TRACER_UPSTREAM_" + slug.upper().replace("-", "_")
    raise invalid("model", f"Vendor {vendor} has no upstream: set {setting} to its origin", "unknown_provider")


def _of_another(model: str, routes: Routes, default_kind: Kind) -> Place:
    """A name without one of SGP's vendors."""
    first, slash, rest = model.partition("/")
    slug = first.lower().replace("_", "-")
    known = slash and slug in routes.targets
    if known and (slug not in PROVIDERS or default_kind in _WITHOUT_SLASHES):
        return Place(routes.targets[slug], kind_of(routes.targets[slug], routes), slug, rest)
    if slash and default_kind in _WITHOUT_SLASHES:
        vendors = ", ".join(VENDORS)
        raise invalid(
            "model", f"Unknown vendor {first[:64]!r}: should be vendor/model_name with one of {vendors}", "unknown_provider"
        )
    return Place(routes.default, default_kind, "", model)


def _upstream_name(vendor: str, rest: str) -> str:
    """Vertex AI's OpenAI-compatible endpoint wants the publisher, which LiteLLM's names leave out for Google's own."""
    return f"google/{rest}" if vendor == "vertex_ai" and rest.startswith("gemini") else rest


def vendor_target(vendor: str, routes: Routes) -> Target | None:
    """The upstream that `vendor/…` means, if it means one."""
    try:
        to = place(f"{vendor}/x", None, routes, {})
    except Refused:
        return None
    return to.target if to.model == "x" else None


def vendor_of(target: Target, routes: Routes) -> str:
    """The vendor under which an upstream is reached; "" if its models are named without one."""
    ours = [vendor for vendor, slug in VENDORS.items() if slug == target.slug]
    return next((name for name in (*ours, target.slug, *HOSTED_BY_SCALE) if vendor_target(name, routes) == target), "")
