"""What a client's headers mean, worked out once for all of its calls.

A program sends the same headers with every call, but for a few: the length of the body, the ids of the trace. So what depends
on the others (who asks, where it goes, with which key, what may be recorded, what goes up) is remembered under those others,
values and order included, and only the varying ones are looked at each time.

Invariants
- A profile depends on nothing but its key, and what is remembered on it says for which registry and which proxy it holds.
- Two sets of headers have one profile only if they are the same but for the values of VARYING names.
- Memory is bounded: so many profiles, none of more than LARGEST bytes.
"""

from collections.abc import Mapping
from typing import NamedTuple

from multidict import CIMultiDict

from tracer.proxy.context import text
from tracer.proxy.credentials import Credentials
from tracer.proxy.headers import HeaderList, RawHeaders, lines, recorded, unvarying, upstream
from tracer.proxy.portkey_config import Config
from tracer.proxy.route import Target
from tracer.records import Headers
from tracer.redact import Secrets, callers_secrets, shortened
from tracer.registry.records import Caller, Snapshot

MOST = 1024
# SDKs send one or two kilobytes of headers, a config among them perhaps two more.
LARGEST = 8 << 10
LONGEST_CLIENT = 128
# Of the names that vary, those that say nothing of a trace.
_UNTRACED = frozenset(
    {b"content-length", b"x-stainless-retry-count", b"sec-websocket-key", b"idempotency-key", b"x-request-id"}
)

# A header, or only the name of one whose value varies.
Key = tuple[tuple[bytes, bytes] | bytes, ...]
# Header lines, and between them the places of those that vary.
Parts = tuple[bytes | int, ...]


class Way(NamedTuple):
    """Where calls with these headers go. `plain`: nothing about them is special but what is said here (express.py)."""

    target: Target
    keys: Credentials
    time_limit_s: float | None
    parts: Parts  # the headers that go up
    asking_parts: Parts  # the same where the usage is asked for
    plain: bool = False


class Standing(NamedTuple):
    """Who sends these headers and what they ask for, as one proxy sees it at one state of the registry."""

    of: object  # the proxy
    snapshot: Snapshot
    caller: Caller
    config: Config
    notes: tuple[str, ...]


class Profile:
    """See the head of this file. `standing` and `way` are remembered here by forward.py; `way` belongs to `standing`."""

    __slots__ = (
        "_key",
        "_recorded",
        "_slots",
        "client",
        "coded",
        "content",
        "is_json",
        "secrets",
        "signed",
        "size",
        "standing",
        "traced",
        "way",
    )

    def __init__(self, key: Key) -> None:
        raw = [header if isinstance(header, tuple) else (header, b"") for header in key]
        names: Mapping[str, str] = CIMultiDict(
            (name.decode("latin-1"), value.decode("utf-8", "surrogateescape")) for name, value in raw
        )
        self._key = key
        self._recorded = recorded(raw)
        self._slots = tuple([place for place, header in enumerate(key) if isinstance(header, bytes)])
        self.size = sum(len(name) + len(value) for name, value in raw)
        self.secrets: Secrets = callers_secrets(raw, "")
        self.signed = "x-amz-date" in names  # and so never the same twice
        self.traced = any(isinstance(header, bytes) and header.lower() not in _UNTRACED for header in key)
        # "false" in any case; a header that says anything else, or is not there, leaves capture on.
        self.content = names.get("x-portkey-debug", "").lower() != "false"
        # Portkey's SDKs say who they are beside the User-Agent, which is a library's: `node`, `python-httpx/0.28.1`.
        client = text(names.get("x-portkey-package-version") or names.get("User-Agent"))
        self.client = shortened(client, LONGEST_CLIENT, self.secrets)
        self.is_json = names.get("Content-Type", "").partition(";")[0].strip().lower() == "application/json"
        # What stands there beside `chunked`, or instead of it, is a coding that only its sender knows.
        self.coded = names.get("Transfer-Encoding", "chunked").strip().lower() != "chunked"
        self.standing: Standing | None = None
        self.way: Way | None = None

    def recorded(self, raw: RawHeaders) -> Headers:
        """What may be kept of a request's headers; `raw` are the ones that this profile was found for."""
        if not self._slots:
            return self._recorded
        kept = list(self._recorded)
        for place in self._slots:
            kept[place] = recorded((raw[place],))[0]
        return tuple(kept)

    def parts(self, drop: frozenset[str], added: HeaderList) -> Parts:
        """The header lines that go up, without `drop` (lower case) and with `added`."""
        marked = [header if isinstance(header, tuple) else (header, b"%d" % place) for place, header in enumerate(self._key)]
        going = upstream(marked, drop=drop)
        parts: list[bytes | int] = []
        fixed: HeaderList = []
        # By identity: what goes up are the very pairs that were given.
        varying = {id(marked[place]): place for place in self._slots}
        for header in going:
            place = varying.get(id(header))
            if place is None:
                fixed.append(header)
                continue
            if fixed:
                parts.append(lines(fixed))
            parts.append(place)
            fixed = []
        if fixed or added:
            parts.append(lines([*fixed, *added]))
        return tuple(parts)


_profiles: dict[Key, Profile] = {}


def profile_of(raw: RawHeaders) -> Profile:
    """The profile of a request's headers."""
    key: Key = unvarying(raw)
    found = _profiles.get(key)
    if found is None:
        found = Profile(key)
        if found.size <= LARGEST and not found.signed:
            if len(_profiles) >= MOST:
                _profiles.clear()  # callers who make headers up must not be able to fill the memory
            _profiles[key] = found
    return found


def filled(parts: Parts, raw: RawHeaders) -> bytes:
    """Header lines with this request's own values. llhttp has seen to it that there is no line break in one."""
    return b"".join([part if isinstance(part, bytes) else b"%b: %b\r\n" % raw[part] for part in parts])
