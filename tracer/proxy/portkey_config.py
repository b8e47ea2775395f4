"""Portkey's config from the `x-portkey-config` header: JSON text, or the id of one that the registry keeps. Pure.

Nothing in it makes a call fail. Portkey's open gateway answers 400 to a config that is not JSON or not by its schema; here what
is not understood is left out and named in `ignored`, which lands on the row: Tracer takes a part of what configs can say, and a
program that moves over has the rest in them too. An id that is not known is named likewise: a refusal would stop every program
whose config is still at Portkey, and the call goes where the operator's settings send it. What a config asks for and Tracer
does, it does fully: a provider that is unknown, a host that is not allowed are refused (route.py).

- Names may be in snake_case or camelCase; Portkey's gateway takes both. A null is as good as nothing.
- A config of another workspace is as unknown as one that is nowhere, word for word.
- A saved config's `api_key` is for the upstream that stands beside it, and for no other (credentials.py).
- Texts of a sensible length are parsed once and remembered: a program sends the same one with every call.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from types import MappingProxyType
from typing import TypeVar

import orjson

from tracer.proxy.context import text
from tracer.registry.records import SavedConfig

MOST_ATTEMPTS = 5
RETRIED = frozenset({429, 500, 502, 503, 504})  # Portkey's own default
_LONGEST_REMEMBERED = 4096
_LONGEST_NAME = 64
_MOST_NAMED = 16
_HUMP = re.compile(r"(?<=[a-z0-9])[A-Z]")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Retry:
    """`retry`: how many times more at most (1 to 5), after which statuses, and whether to wait as the provider asks."""

    attempts: int
    on_status_codes: frozenset[int] = RETRIED
    use_retry_after: bool = False


@dataclass(frozen=True, slots=True)
class Config:
    """What of a config Tracer understands. `ignored` says in short sentences what it does not."""

    provider: str = ""
    api_key: str = ""
    virtual_key: str = ""
    custom_host: str = ""
    cache: Mapping[str, object] | None = None  # `mode` and `max_age` as they were sent: cache/rule.py judges them
    retry: Retry | None = None  # None: never
    request_timeout_ms: float | None = None
    override_params: Mapping[str, object] = field(default_factory=dict)
    forward_headers: tuple[str, ...] = ()
    id: str = ""  # of a saved one
    ignored: tuple[str, ...] = ()


NO_CONFIG = Config()


def read_config(sent: str | None, configs: Mapping[str, SavedConfig], workspace: str) -> Config:
    """The config that a header means to a caller of `workspace` ("" sees all). Never raises."""
    if not sent:
        return NO_CONFIG
    sent = text(sent).strip()
    if sent.startswith("{"):
        return _inline(sent) if len(sent) <= _LONGEST_REMEMBERED else _inline.__wrapped__(sent)
    saved = configs.get(sent)
    if saved is None or (workspace and saved.workspace != workspace):
        return Config(ignored=(f"x-portkey-config is ignored: no config {sent[:_LONGEST_NAME]!r} here",))
    return _saved(orjson.dumps(dict(saved.config)), saved.slug)


def time_limit_s(header: str | None, config: Config) -> float | None:
    """Seconds until the reply's head must be there: the `x-portkey-request-timeout` header, else what the config says."""
    limit = _number(header, float) if header else None
    milliseconds = limit if limit and limit > 0 else config.request_timeout_ms
    return milliseconds / 1000 if milliseconds else None


@lru_cache(maxsize=1024)
def _inline(sent: str) -> Config:
    try:
        return _config(orjson.loads(sent))
    except orjson.JSONDecodeError:
        return Config(ignored=("x-portkey-config is ignored: it is no JSON object",))


@lru_cache(maxsize=1024)
def _saved(content: bytes, slug: str) -> Config:
    config = replace(_config(orjson.loads(content)), id=slug)
    if config.api_key and not (config.provider or config.virtual_key or config.custom_host):
        left_out = "config.api_key is ignored: a saved key needs its provider or custom_host beside it"
        return replace(config, api_key="", ignored=(*config.ignored, left_out))
    return config


def _config(given: Mapping[str, object]) -> Config:
    fields = _Fields(given, "config")
    return Config(
        provider=fields.text("provider"),
        api_key=fields.text("api_key"),
        virtual_key=fields.text("virtual_key"),
        custom_host=fields.text("custom_host"),
        cache=_cache(fields),
        retry=_retry(fields),
        request_timeout_ms=fields.number("request_timeout", float, 0, math.inf),
        override_params=MappingProxyType(fields.object("override_params")),
        forward_headers=fields.names("forward_headers"),
        ignored=fields.left_out(),
    )


def _cache(fields: "_Fields") -> Mapping[str, object] | None:
    wish = fields.inner("cache", as_text="mode")
    if wish is None:
        return None
    wanted = wish.some("mode", "max_age")
    fields.ignored += wish.left_out()
    return MappingProxyType(wanted)


def _retry(fields: "_Fields") -> Retry | None:
    wish = fields.inner("retry")
    if wish is None:
        return None
    attempts = wish.number("attempts", int, -1, 1 << 40)
    if attempts is None:
        fields.ignore("retry", "it says no number of attempts")
        return None
    if attempts > MOST_ATTEMPTS:
        fields.ignored.append(f"config.retry.attempts is {MOST_ATTEMPTS} instead of {attempts}")
    codes, polite = wish.statuses("on_status_codes"), wish.flag("use_retry_after_header")
    fields.ignored += wish.left_out()
    return Retry(min(attempts, MOST_ATTEMPTS), RETRIED if codes is None else codes, polite) if attempts else None


class _Fields:
    """An object's fields, taken out one by one by their names in snake_case; what remains, or does not fit, was ignored."""

    def __init__(self, given: Mapping[str, object], path: str) -> None:
        self._left = {_HUMP.sub(lambda hump: "_" + hump[0].lower(), name): value for name, value in given.items()}
        self._path = path
        self.ignored: list[str] = []

    def ignore(self, name: str, why: str) -> None:
        self.ignored.append(f"{self._path}.{name} is ignored: {why}")

    def left_out(self) -> tuple[str, ...]:
        """What was ignored, in sentences; of very many, the first."""
        unknown = [name for name, value in self._left.items() if value is not None]
        found = self.ignored + [f"{self._path}.{name[:_LONGEST_NAME]} is ignored" for name in unknown[:_MOST_NAMED]]
        rest = len(unknown) - _MOST_NAMED
        return (*found, f"{rest} more fields of {self._path} are ignored") if rest > 0 else tuple(found)

    def some(self, *names: str) -> dict[str, object]:
        """Those of the fields that are there, whatever they hold."""
        return {name: value for name in names if (value := self._left.pop(name, None)) is not None}

    def text(self, name: str) -> str:
        return self._take(name, str, "a string") or ""

    def object(self, name: str) -> dict[str, object]:
        return self._take(name, dict, "an object") or {}

    def flag(self, name: str) -> bool:
        return self._take(name, bool, "true or false") or False

    def number(self, name: str, kind: "Callable[[str], T]", above: float, below: float) -> T | None:
        """A number between two bounds, which it may not reach; written as text too."""
        value = self._left.pop(name, None)
        if value is None:
            return None
        number = None if isinstance(value, bool) else _number(value, kind)
        if number is None or not above < number < below:  # type: ignore[operator]  # int and float
            self.ignore(name, f"it should be a number over {above:g}")
            return None
        return number

    def names(self, name: str) -> tuple[str, ...]:
        """Header names, in lower case, from a list or a comma list."""
        value = self._left.pop(name, None)
        listed = value.split(",") if isinstance(value, str) else value
        if listed is None or not isinstance(listed, list):
            if value is not None:
                self.ignore(name, "it should be a list of names")
            return ()
        return tuple(item.strip().lower() for item in listed if isinstance(item, str) and item.strip())

    def statuses(self, name: str) -> frozenset[int] | None:
        listed = self._take(name, list, "a list of status codes")
        return None if listed is None else frozenset(code for code in listed if type(code) is int)

    def inner(self, name: str, as_text: str = "") -> "_Fields | None":
        """The fields of an object inside; a bare text stands for that object's field `as_text`."""
        if as_text and isinstance(self._left.get(name), str):
            return _Fields({as_text: self._left.pop(name)}, f"{self._path}.{name}")
        value = self._take(name, dict, "an object")
        return None if value is None else _Fields(value, f"{self._path}.{name}")

    def _take(self, name: str, kind: type[T], should: str) -> T | None:
        value = self._left.pop(name, None)
        if value is None or isinstance(value, kind):
            return value
        self.ignore(name, f"it should be {should}")
        return None


def _number(value: object, kind: "Callable[[str], T]") -> T | None:
    """A finite number from a JSON number or its text."""
    try:
        return kind(str(value)) if isinstance(value, str | int | float) and math.isfinite(float(value)) else None
    except (ValueError, OverflowError):
        return None
