"""Whether a call may be answered from the cache, and for how long its answer may serve. Values in, values out.

Who may turn it on: the caller's config (`{"cache": {"mode": …, "max_age": …}}`) or the server's TRACER_CACHE; headers never do.
Who may turn it off for a call: `x-portkey-debug: false`, as Portkey documents, and `cache-control: no-store`, as HTTP means it.

Rules
- Header values are read, not only looked for: SDKs send an explicit `false`.
- max_age is in seconds. The config's counts, else the request's `cache-control: max-age`, else the server's, else seven days.
  Out of 60 … 7,776,000 it is not clamped but becomes seven days, as on Portkey's own service; a note on the row says so.
- The server's max_age bounds what callers ask for.
- A server that keeps no content (`capture = "metadata"`) keeps no replies for callers either, unless its owner turned the cache
  on or gave it a place of its own.
"""

import re
from collections.abc import Mapping
from typing import Literal, NamedTuple

from msgspec import Struct

from tracer.config import Settings

SHORTEST_S = 60
LONGEST_S = 90 * 86400
USUAL_S = 7 * 86400

SEMANTIC_NOTE = "cache.mode semantic is treated as simple"
_NO_CONTENT_NOTE = "cache: not used, since capture = metadata keeps no replies"
_MAX_AGE = re.compile(r'(?:^|[,\s])max-age\s*=\s*"?(\d{1,12})', re.IGNORECASE)
_NO_STORE = re.compile(r"(?:^|[,\s])no-store(?:$|[,\s])", re.IGNORECASE)

# Ends of paths whose answer depends on the request alone and changes nothing at the provider. Everything else passes:
# audio, files, batches, fine-tuning, image edits, and what keeps state (an assistant's threads have "messages" too).
_CACHEABLE = (
    "/chat/completions",
    "/completions",
    "/embeddings",
    "/responses",
    "/moderations",
    "/rerank",
    "/images/generations",
    "/v1/chat",
    "/v2/chat",
    "/v1/messages",
    ":generateContent",
    ":streamGenerateContent",
    ":embedContent",
)


class Rule(Struct, frozen=True, kw_only=True):
    """How one call uses the cache. `namespace` takes the place of the metadata in the key where the caller named one."""

    mode: Literal["simple", "semantic"] = "simple"
    max_age_s: int = USUAL_S
    namespace: str | None = None
    metadata: str = ""  # the header as sent
    refresh: bool = False


class Policy(Struct, frozen=True, kw_only=True):
    """What the server's settings say about every call. `allowed`: callers may turn the cache on."""

    mode: Literal["off", "simple"] = "off"
    max_age_s: int | None = None
    allowed: bool = True


class Decision(NamedTuple):
    """`rule` None: the status is DISABLED. `notes` are for the row."""

    rule: Rule | None
    notes: tuple[str, ...] = ()


_DISABLED = Decision(None)


def policy(settings: Settings) -> Policy:
    """The server's part in every decision."""
    allowed = settings.capture == "full" or settings.cache_url is not None
    return Policy(mode=settings.cache, max_age_s=settings.cache_max_age, allowed=allowed or settings.cache != "off")


def cacheable(method: str, path: str, content_type: str) -> bool:
    """Whether answers to such requests are cached at all; `path` may have a query."""
    media = content_type.partition(";")[0].strip().lower()
    json = media in ("", "application/json") or media.endswith("+json")
    return json and method == "POST" and path.partition("?")[0].endswith(_CACHEABLE)


def decide(headers: Mapping[str, str], wanted: object, server: Policy) -> Decision:
    """The rule for a request with these (case-insensitive) headers, whose config has `wanted` under "cache"."""
    if wanted is None and server.mode == "off":
        return _DISABLED
    mode, notes = _mode(wanted, server)
    if mode is None:
        return Decision(None, notes)
    if not server.allowed:
        return Decision(None, (*notes, _NO_CONTENT_NOTE))
    control = headers.get("cache-control", "")
    if _word(headers.get("x-portkey-debug")) == "false" or _NO_STORE.search(control):
        return Decision(None, notes)
    asked = wanted.get("max_age") if isinstance(wanted, Mapping) else None
    max_age_s, age_notes = _max_age(asked, control, server.max_age_s)
    rule = Rule(
        mode=mode,
        max_age_s=max_age_s,
        namespace=headers.get("x-portkey-cache-namespace") or None,
        metadata=headers.get("x-portkey-metadata", ""),
        refresh=_word(headers.get("x-portkey-cache-force-refresh")) == "true",
    )
    return Decision(rule, notes + age_notes)


def _mode(wanted: object, server: Policy) -> tuple[Literal["simple", "semantic"] | None, tuple[str, ...]]:
    """The mode asked for, else the server's; None is off."""
    mode = wanted.get("mode") if isinstance(wanted, Mapping) else None
    if mode == "simple":
        return "simple", ()
    if mode == "semantic":
        return "semantic", (SEMANTIC_NOTE,)
    notes: tuple[str, ...] = ()
    if mode is not None or not isinstance(wanted, Mapping | None):
        notes = ("cache: ignored, its mode is neither simple nor semantic",)
    return "simple" if server.mode == "simple" else None, notes


def _max_age(asked: object, control: str, servers_s: int | None) -> tuple[int, tuple[str, ...]]:
    source, seconds = "cache.max_age", asked
    if seconds is None and (found := _MAX_AGE.search(control)):
        source, seconds = "cache-control: max-age", int(found[1])
    if seconds is None:
        return servers_s or USUAL_S, ()
    notes: tuple[str, ...] = ()
    is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    if not (is_number and SHORTEST_S <= seconds <= LONGEST_S):  # type: ignore[operator]  # NaN compares false too
        notes = (f"{source} is not a number of seconds from {SHORTEST_S} to {LONGEST_S}; seven days are used",)
        seconds = USUAL_S
    whole = int(seconds)  # type: ignore[call-overload]
    return min(whole, servers_s) if servers_s else whole, notes


def _word(value: str | None) -> str:
    return value.strip().lower() if value else ""
