"""Where a native request goes, with which key, and what of it goes there. Values in, values out.

A door's own provider is asked unless headers or config name another, or the default upstream is a server of one's own; under
/proxy/ the path names it and nothing else does.

- A signed request goes up as it was signed, `x-portkey-*` headers that the signature covers included. Where that cannot be,
  since one of them holds a key of Tracer's own, it is refused and says why.
- Meant for one of Amazon's hosts, it goes up with that Host, also where TRACER_UPSTREAM_BEDROCK names another way there.
- A server-side key takes the place of a signature made with a Tracer key: `AWS_ACCESS_KEY_ID=tr-…` and any secret.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import urlsplit

from tracer.config import Settings
from tracer.proxy import headers as header_lists
from tracer.proxy.ask import Question
from tracer.proxy.context import text
from tracer.proxy.credentials import Credentials, credentials, hash_of
from tracer.proxy.flight import Flight
from tracer.proxy.native import Door, without_tracers_key
from tracer.proxy.portkey_config import Config, time_limit_s
from tracer.proxy.providers import PROVIDERS
from tracer.proxy.refused import Refused
from tracer.proxy.request import Request
from tracer.proxy.route import Routes, Target, asked, choose, custom_target, hold_to, native_of, setting_of
from tracer.proxy.sigv4 import Signature, is_bedrocks, signature
from tracer.registry.records import Caller

# Host and framing are put together anew for each connection, and come out the same.
_REMADE = frozenset({"host", "content-length", "transfer-encoding", "connection"})
_LOCATION = re.compile(r"/locations/([a-z][a-z0-9-]{0,40})/")
_AMAZONS_TOKEN = frozenset({"x-amz-security-token"})


def question_of(
    request: Request,
    flight: Flight,
    door: Door,
    routes: Routes,
    settings: Settings,
    config: Config,
    caller: Caller,
    headers: Mapping[str, str],
) -> Question:
    """What to ask of whom, noted on the flight. Raises Refused.

    `headers` are the request's, or as native.with_key_of_query made them.
    """
    signed = signature(headers, door.query)
    target = upstream_of(routes, door, headers, config, caller, signed)
    flight.provider, flight.upstream = target.slug, urlsplit(target.base_url).netloc
    provider = target.provider
    key_header = provider.key_header if door.openai_like else provider.native_key_header
    keys = credentials(headers, target, settings.keys, config, caller, native=key_header)
    if signed and "authorization" not in headers:  # a presigned URL
        keys = replace(keys, header=None, key_hash=hash_of(signed.key_id), secrets=())
    flight.key_hash = keys.key_hash
    flight.secrets += keys.secrets
    added: tuple[tuple[str, str], ...] = ()
    if signed and "authorization" in keys.drop:  # by a Tracer key: a server-side one speaks in its place
        keys, signed = replace(keys, drop=keys.drop | _AMAZONS_TOKEN), None
    if signed:
        added = _signed_headers(request, signed, keys)
    return Question(
        request=request,
        target=target,
        keys=keys,
        path="/v1" + without_tracers_key(door.rest),  # `/v1` stands for the base URL in every question
        propagate=() if signed else settings.propagate_traceparent,
        time_limit_s=time_limit_s(headers.get("x-portkey-request-timeout"), config),
        added=added,
    )


def overruled(door: Door, headers: Mapping[str, str], config: Config) -> tuple[str, ...]:
    """What of a request is not done at a native door, in sentences for the row."""
    notes: tuple[str, ...] = ()
    named = text(headers.get("x-portkey-provider")).removeprefix("@").lower()
    if door.fixed and named and named != door.provider:
        notes += (f"x-portkey-provider is ignored: the path names {door.provider!r}",)
    if config.cache is not None:
        notes += ("config.cache is ignored: calls of native doors are not cached",)
    if config.override_params:
        notes += ("config.override_params is ignored: bodies of native doors are not changed",)
    return notes


def upstream_of(
    routes: Routes, door: Door, headers: Mapping[str, str], config: Config, caller: Caller, signed: Signature | None
) -> Target:
    """Where a request goes. Raises Refused."""
    natives = replace(routes, targets=routes.natives)
    named = _named_by_path if door.fixed else _named_otherwise
    target = named(natives, door, headers, config, caller)
    if target.custom:
        return native_of(target)
    host = door.host or headers.get("host", "")
    amazons = host if target.slug == "bedrock" and is_bedrocks(host) else ""
    if "{region}" not in target.base_url:
        return replace(target, authority=amazons) if amazons else target
    if amazons:
        return replace(target, base_url="https://" + amazons.partition(":")[0], authority=amazons)
    return _in_region(target, door, signed)


def _named_otherwise(natives: Routes, door: Door, headers: Mapping[str, str], config: Config, caller: Caller) -> Target:
    target, own = choose(natives, headers, config, caller, door.provider), natives.instead.get(door.provider)
    return own if own and not (target.custom or caller.provider or asked(natives, headers, config)) else target


def _named_by_path(natives: Routes, door: Door, headers: Mapping[str, str], config: Config, caller: Caller) -> Target:
    slug, custom_host = door.provider, headers.get("x-portkey-custom-host") or config.custom_host
    if caller.provider:
        hold_to(caller.provider, slug, custom_host)
    target = natives.targets.get(slug)
    if target is None:
        wanted = f"set {setting_of(slug)} to its origin"
        if slug in PROVIDERS:
            raise Refused(400, "unknown_provider", f"/proxy/{slug}: provider {slug!r} has no fixed origin: {wanted}")
        known = ", ".join(sorted(natives.targets))
        raise Refused(404, "unknown_provider", f"/proxy/{slug}: unknown provider {slug!r}; known are {known}, or {wanted}")
    return custom_target(natives, custom_host, target) if custom_host else target


def _in_region(target: Target, door: Door, signed: Signature | None) -> Target:
    """A provider that has a host for each region. Raises Refused."""
    if target.slug == "vertex-ai":
        found = _LOCATION.search(door.path)
        location = found.group(1) if found else ""
        return replace(target, base_url=_VERTEX_HOSTS.get(location) or target.base_url.replace("{region}", location))
    region = signed.region if signed else ""
    if not region:
        example = f"{setting_of(target.slug)}={target.base_url.replace('{region}', 'REGION')}"
        why = "has a host for each region, and only a signed request names its region"
        raise Refused(400, "no_region", f"provider {target.slug!r} {why}: set {example}")
    return replace(target, base_url=target.base_url.replace("{region}", region))


# What is no region but all of them, or a continent's, has a host of another kind.
_VERTEX_HOSTS = {
    "": "https://aiplatform.googleapis.com",
    "global": "https://aiplatform.googleapis.com",
    "us": "https://aiplatform.us.rep.googleapis.com",
    "eu": "https://aiplatform.eu.rep.googleapis.com",
}


def _signed_headers(request: Request, signed: Signature, keys: Credentials) -> tuple[tuple[str, str], ...]:
    """The signed headers that would not go up by themselves. Raises Refused where one of them must not."""
    if kept_back := signed.headers & keys.drop:
        why = f"the signature covers {', '.join(sorted(kept_back))}, which holds a key of Tracer's own"
        raise Refused(400, "signed_key", f"{why} and may not go to a provider: add that header after signing")
    going = {id(header) for header in header_lists.upstream(request.raw_headers, drop=keys.drop)}
    names = signed.headers - _REMADE
    return tuple(
        (name.decode("latin-1"), value.decode("utf-8", "surrogateescape"))
        for header in request.raw_headers
        for name, value in (header,)
        if id(header) not in going and name.decode("latin-1").lower() in names
    )
