"""Which upstream a request goes to. Values in, values out.

Order: `x-portkey-custom-host` (header, else in `x-portkey-config`), then the provider: of the `x-portkey-provider` header, of a
virtual key whose name is a provider's here, of the config, of its virtual key, of the door (`otherwise`), then the default
upstream. A Tracer key that is for one provider holds its caller to that. A custom host is an open door into the private
network, so only hosts that the configuration names are let through, and what is compared is the parsed host and port, never
the text.

A base URL that nobody gave a provider's name speaks OpenAI's dialect, so its provider is `openai`; `upstream` tells the truth
about the host. To name it, set TRACER_UPSTREAM to a slug and TRACER_UPSTREAM_<SLUG> to the URL.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

from tracer.config import ConfigError, Settings
from tracer.proxy.context import text
from tracer.proxy.identity import ANYBODY
from tracer.proxy.portkey_config import Config
from tracer.proxy.providers import PROVIDERS, UNLISTED, Provider
from tracer.proxy.refused import Refused
from tracer.registry.key_format import is_key
from tracer.registry.records import Caller

_PORTS = {"http": 80, "https": 443}


class Origin(NamedTuple):
    """Where connections go. `authority` is host[:port] as it was written: the Host header, and the row's `upstream`."""

    tls: bool
    host: str
    port: int
    authority: str


@dataclass(frozen=True, slots=True)
class Target:
    """A chosen upstream. `base_url` stands for `/v1` of the OpenAI door, for nothing of a native one; no slash at its end.

    `authority` is what to send as Host where that is not the base URL's own.
    """

    slug: str
    provider: Provider
    base_url: str
    custom: bool = False  # named by the caller: the configuration's keys are not for it
    authority: str = ""
    origin: Origin = field(init=False)  # worked out here, once, and not for each call
    path: str = field(init=False)

    def __post_init__(self) -> None:
        parts = urlsplit(self.base_url)
        tls = parts.scheme == "https"
        origin = Origin(tls, parts.hostname or "", parts.port or _PORTS[parts.scheme], self.authority or parts.netloc)
        object.__setattr__(self, "origin", origin)
        object.__setattr__(self, "path", parts.path)

    @property
    def host(self) -> str:
        return self.origin.authority


@dataclass(frozen=True, slots=True)
class Routes:
    """All that routing needs of the settings, worked out once. `natives`: the same providers for the native doors.

    `instead`: by the provider of a native door, the server of one's own that is asked in its place by who names nobody.
    """

    default: Target
    targets: Mapping[str, Target]
    natives: Mapping[str, Target]
    custom_hosts: frozenset[tuple[str, int | None]]
    instead: Mapping[str, Target]


def routes(settings: Settings) -> Routes:
    """Raises ConfigError for an upstream that is neither a known slug nor a usable URL."""
    targets = {slug: _target(slug, known) for slug, known in PROVIDERS.items() if known.origin}
    natives = {slug: Target(slug, known, at) for slug, known in PROVIDERS.items() if (at := known.native_origin)}
    for slug, origin in settings.upstreams.items():
        targets[slug] = _configured(setting_of(slug), slug, PROVIDERS.get(slug, UNLISTED), origin)
        natives[slug] = native_of(targets[slug])
    if "://" in settings.upstream:
        slug = _provider_at(settings.upstream, targets)
        default = _configured("TRACER_UPSTREAM", slug, PROVIDERS.get(slug, UNLISTED), settings.upstream)
    elif settings.upstream in targets:
        default = targets[settings.upstream]
    else:
        raise ConfigError(
            f"TRACER_UPSTREAM: should be a base URL such as http://127.0.0.1:8000/v1 or one of {', '.join(sorted(targets))}, "
            f"not {settings.upstream!r}; for another name set its origin in TRACER_UPSTREAM_<NAME>"
        )
    custom_hosts = frozenset(_host_entry(entry) for entry in settings.custom_hosts)
    return Routes(default, targets, natives, custom_hosts, _instead(settings, default, targets))


def _instead(settings: Settings, default: Target, targets: Mapping[str, Target]) -> Mapping[str, Target]:
    """A default upstream that is a server or gateway of one's own speaks for all doors: what is said to it must not go out to a
    provider that nobody configured."""
    left = {"anthropic", "google"} - set(settings.upstreams) - set(settings.keys)
    if "://" not in settings.upstream:
        known = PROVIDERS.get(default.slug, UNLISTED)
        return {} if known is not UNLISTED and not known.self_hosted else dict.fromkeys(left, native_of(default))
    if any(default.host == target.host for target in targets.values()):
        return {}
    return {slug: native_of(replace(default, slug=slug, provider=PROVIDERS[slug])) for slug in left}


def setting_of(slug: str) -> str:
    """The variable that names a provider's origin."""
    return "TRACER_UPSTREAM_" + slug.upper().replace("-", "_")


def native_of(target: Target) -> Target:
    """An upstream as the native doors see it: what stands for `/v1` is left out, a path before that stays."""
    parts, path = urlsplit(target.base_url), target.path
    path = next((path.removesuffix(end) for end in (target.provider.api_path, "/v1") if end and path.endswith(end)), path)
    return replace(target, base_url=f"{parts.scheme}://{parts.netloc}{path}")


def choose(routes: Routes, headers: Mapping[str, str], config: Config, caller: Caller = ANYBODY, otherwise: str = "") -> Target:
    """The upstream for a request with these headers (case-insensitive mapping). Raises Refused.

    `otherwise` is the provider of a door whose requests name one in their own way; headers and config go before it.
    """
    return named(routes, headers, config, caller, otherwise) or routes.default


def named(
    routes: Routes, headers: Mapping[str, str], config: Config, caller: Caller = ANYBODY, otherwise: str = ""
) -> Target | None:
    """The upstream that a request chose, or that its key fixes; None if it left the choice to the settings. Raises Refused."""
    custom_host = headers.get("x-portkey-custom-host") or config.custom_host
    slug = asked(routes, headers, config) or otherwise
    if caller.provider:
        hold_to(caller.provider, slug, custom_host)
        slug = caller.provider
    target = _by_slug(routes, slug) if slug else None
    return custom_target(routes, custom_host, target) if custom_host else target


def asked(routes: Routes, headers: Mapping[str, str], config: Config) -> str:
    """The provider that headers or config name; empty if they name none."""
    return (
        _provider(routes, text(headers.get("x-portkey-provider")))
        or _virtual(routes, headers.get("x-portkey-virtual-key"))
        or _provider(routes, config.provider)
        or _virtual(routes, config.virtual_key)
    )


def ignored(routes: Routes, headers: Mapping[str, str], config: Config) -> tuple[str, ...]:
    """What of a request's routing was not understood, in short sentences for the row."""
    unknown = config.ignored
    for where, provider in (
        ("x-portkey-provider", text(headers.get("x-portkey-provider"))),
        ("config.provider", config.provider),
    ):
        if provider and not _provider(routes, provider):
            unknown += (f"{where} is ignored: {provider[:64]!r} is not in this Tracer",)
    sent = text(headers.get("x-portkey-virtual-key"))
    if sent and not _virtual(routes, sent) and not is_key(sent):
        unknown += ("x-portkey-virtual-key is ignored: it names no provider here",)
    if config.virtual_key and not _virtual(routes, config.virtual_key):
        unknown += ("config.virtual_key is ignored: it names no provider here",)
    return unknown


def slug_of(provider: str) -> str:
    """A provider's slug as it may be written: `@openai`, `OpenAI`."""
    return provider.removeprefix("@").lower()


def model_prefix(routes: Routes, model: object) -> tuple[str, str]:
    """(provider, the rest) of a model's name in Portkey's form `@provider/model`; empty texts if it names none that is here.

    Others pass as they are: Cloudflare's own names begin with `@cf/`.
    """
    if not isinstance(model, str) or not model.startswith("@"):
        return "", ""
    slug, _, rest = model.partition("/")
    return (slug_of(slug), rest) if rest and _virtual(routes, slug) else ("", "")


def _provider(routes: Routes, provider: str) -> str:
    """A provider as it was named; nothing for a `@slug` of Portkey's catalogue that is none here, whose call goes on as if it
    had not been there: what is a provider in a team's catalogue is a matter of its settings here."""
    if not provider.startswith("@") or slug_of(provider) in PROVIDERS:
        return provider
    return provider if slug_of(provider) in routes.targets else ""


def _virtual(routes: Routes, virtual_key: str | None) -> str:
    """The slug that a virtual key of Portkey's names, if a provider here is called that."""
    slug = slug_of(virtual_key) if virtual_key else ""
    return slug if slug in routes.targets else ""


def hold_to(only: str, asked: str, custom_host: str | None) -> None:
    """Raise Refused where a request asks for another provider than its key is for: silently, it would reach the wrong one."""
    if custom_host or (asked and slug_of(asked) != only):
        wanted = "a custom host" if custom_host else repr(slug_of(asked))
        raise Refused(403, "provider_not_allowed", f"this key is for provider {only!r} only, and the request asks for {wanted}")


def _by_slug(routes: Routes, slug: str) -> Target:
    name = slug_of(slug)
    target = routes.targets.get(name)
    if target is None:
        wanted = f"set {setting_of(name)} to its origin"
        why = f"provider {slug!r} has no fixed origin: {wanted}" if name in PROVIDERS else f"unknown provider {slug!r}"
        known = "" if name in PROVIDERS else f"; known are {', '.join(sorted(routes.targets))}, or {wanted}"
        raise Refused(400, "unknown_provider", f"x-portkey-provider: {why}{known}")
    return target


def custom_target(routes: Routes, url: str, named: Target | None) -> Target:
    """The upstream at a host that the caller names, if the configuration allows it. Raises Refused."""
    parts = _parse(url)
    if parts is None:
        raise Refused(400, "custom_host_invalid", "x-portkey-custom-host: should be a base URL such as https://host:port/v1")
    port = parts.port or _PORTS[parts.scheme]
    host = (parts.hostname or "").lower()
    if (host, port) not in routes.custom_hosts and not ((host, None) in routes.custom_hosts and port == _PORTS[parts.scheme]):
        raise Refused(
            400,
            "custom_host_not_allowed",
            f"x-portkey-custom-host: {host}:{port} is not among TRACER_CUSTOM_HOSTS of this Tracer",
        )
    slug, provider = (named.slug, named.provider) if named else ("openai", PROVIDERS["openai"])
    return Target(slug, provider, url.rstrip("/"), custom=True)


def _target(slug: str, provider: Provider) -> Target:
    assert provider.origin is not None
    return Target(slug, provider, provider.origin + provider.api_path)


def _configured(setting: str, slug: str, provider: Provider, url: str) -> Target:
    """A target from a configured URL: with a path it is the whole base URL, without one the provider's own path follows."""
    parts = _parse(url)
    if parts is None:
        shown = re.sub(r"//.*@", "//***@", url)
        raise ConfigError(f"{setting}: should be an http or https URL without user, query or fragment, not {shown!r}")
    path = parts.path.rstrip("/") or provider.api_path
    return Target(slug, provider, f"{parts.scheme}://{parts.netloc}{path}")


def _parse(url: str) -> SplitResult | None:
    """The parts of a plain base URL, else None."""
    try:
        parts = urlsplit(url)
        usable = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return None
    extras = parts.username is not None or parts.password is not None or parts.query or parts.fragment or "?" in url
    control = any(c.isspace() or not c.isprintable() or c == "\\" for c in url)
    return parts if usable and parts.scheme in _PORTS and not extras and not control else None


def _provider_at(url: str, targets: Mapping[str, Target]) -> str:
    """The provider whose host the URL names, else `openai`: the dialect it speaks."""
    parts = _parse(url)
    return next((slug for slug, target in targets.items() if parts and target.host == parts.netloc), "openai")


def _host_entry(entry: str) -> tuple[str, int | None]:
    parts = _parse(entry if "://" in entry else f"http://{entry}")
    if parts is None or not parts.hostname or parts.path.strip("/"):
        raise ConfigError(f"TRACER_CUSTOM_HOSTS: should be a comma list of host or host:port, not {entry!r}")
    return parts.hostname.lower(), parts.port
