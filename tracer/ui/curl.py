"""A call as a curl command that can be pasted into a terminal. Values in, text out.

No secret is in it: what was masked when the call was recorded becomes a shell variable's name. Everything else is quoted for a
POSIX shell, since headers and bodies come from outside. Ids of the trace are left out, so that a repeat is a trace of its own.
"""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass

import orjson

_MASK = "***"
_KEYS = {
    "authorization": ("Authorization: Bearer ", "API_KEY"),
    "x-api-key": ("x-api-key: ", "API_KEY"),
    "api-key": ("api-key: ", "API_KEY"),
    "x-goog-api-key": ("x-goog-api-key: ", "API_KEY"),
    "x-portkey-api-key": ("x-portkey-api-key: ", "TRACER_KEY"),
    "x-portkey-virtual-key": ("x-portkey-virtual-key: ", "VIRTUAL_KEY"),
    "x-portkey-config": ("x-portkey-config: ", "CONFIG"),
}
# Headers that mean something for the answer; the rest is the client library's own.
_SENT = ("content-type", "anthropic-version", "anthropic-beta", "openai-beta", "openai-organization", "openai-project")
_SENT_PREFIX = "x-portkey-"
_NOT_SENT = (
    "x-portkey-trace-id",
    "x-portkey-span-id",
    "x-portkey-parent-span-id",
    "x-portkey-span-name",
    "x-portkey-package-version",
)
_LONGEST_BODY = 100_000
_TAKEN_OUT = "tracer:media;"
_CUT = "bytes not kept …]"


@dataclass(frozen=True, slots=True)
class Curl:
    """The command, and what keeps it from being the very same call."""

    command: str
    remarks: tuple[str, ...]


def curl(origin: str, method: str, path: str, headers: Mapping[str, str], body: str) -> Curl:
    """The command for a call with these recorded headers and this recorded body; `origin` is the proxy's."""
    lower = {name.lower(): value for name, value in headers.items()}
    lines = [f"curl {'' if method == 'POST' else f'-X {shlex.quote(method)} '}{shlex.quote(origin + path)}"]
    lines += [f'-H "{text}${variable}"' for name, (text, variable) in _KEYS.items() if lower.get(name) == _MASK]
    lines += [f"-H {shlex.quote(f'{name}: {value}')}" for name, value in sorted(lower.items()) if _is_sent(name, value)]
    remarks = []
    if "{" in path:
        remarks.append("The path holds a part in braces that was not recorded: put it in.")
    if body:
        sent, more = _body(body)
        lines += sent
        remarks += more
    return Curl(" \\\n  ".join(lines), tuple(remarks))


def path_of(endpoint: str, model: str, prompt: str) -> str:
    """The path behind an endpoint, as far as other columns tell."""
    for placeholder, value in (("{model}", model), ("{deployment}", model), ("{prompt}", prompt)):
        if value and value.isprintable():
            endpoint = endpoint.replace(placeholder, value)
    return endpoint


def _is_sent(name: str, value: str) -> bool:
    if value == _MASK or name in _NOT_SENT or name in _KEYS:
        return False
    return (name in _SENT or name.startswith(_SENT_PREFIX)) and value.isprintable()


def _body(body: str) -> tuple[list[str], list[str]]:
    if len(body) > _LONGEST_BODY:
        return ["--data-binary @body.json"], ["The body is too long to be pasted: save the raw request as body.json."]
    remarks = []
    if _TAKEN_OUT in body:
        remarks.append("Images and audio are not kept: what stands for them in the body will not be understood.")
    if _CUT in body:
        remarks.append("Only the beginning and the end of the body were kept.")
    if body.startswith("["):
        try:
            orjson.loads(body)
        except orjson.JSONDecodeError:
            return [], ["The body was not kept as text."]
    return [f"--data-raw {shlex.quote(body)}"], remarks
