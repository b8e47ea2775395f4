"""The native doors: which requests speak a provider's own dialect, and to whom. Values in, values out.

    /v1/messages, and what has `anthropic-version`       Anthropic's
    /v1beta/…, /upload/v1beta/…, POST /v1/models/M:verb  Gemini's
    /v1/projects/P/locations/L/…, /v1/publishers/…       Vertex AI's, which speaks like Gemini
    /proxy/{provider}/…                                  any provider's: the rest goes to its origin
    http://bedrock-runtime.REGION.amazonaws.com/…        Bedrock's, of a client that takes Tracer for its HTTP proxy

Invariants
- The path behind the door and the query are never decoded and encoded again: they may be signed, and an encoded slash or
  colon in a model's name is not the same as a bare one. Dot segments are refused before anything is sent (accept.py).
- `rest` begins with a slash and is put behind an origin, so it cannot name another host.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from multidict import CIMultiDict

from tracer.proxy.request import Request
from tracer.proxy.sigv4 import is_bedrocks
from tracer.registry.key_format import holds_key

# The first segments under /v1/ that are OpenAI's for certain: nearly all calls, told by one look into a set.
OPENAI_ONLY = frozenset({"chat", "completions", "embeddings", "responses", "images", "audio", "moderations", "realtime"})
_PROXY = re.compile(r"/proxy/([A-Za-z0-9][A-Za-z0-9-]{0,63})(?=[/?]|$)")
# Google's paths that nobody else has; `/ws/` is the Live API.
_GEMINI = re.compile(r"/(?:v1(?:alpha|beta)|(?:upload|download)/v1(?:alpha|beta)?)/|/ws/google\.ai\.generativelanguage\.")
_VERTEX = re.compile(r"/v1(?:beta1)?/(?:projects/[^/?]+/locations|publishers)/|/ws/google\.cloud\.aiplatform\.")


@dataclass(frozen=True, slots=True)
class Door:
    """What a request's path says. `rest` is the target for the provider's origin; `host` the request line's, if any."""

    name: str  # the row's `door`
    provider: str
    rest: str
    host: str = ""

    @property
    def path(self) -> str:
        return self.rest.partition("?")[0]

    @property
    def query(self) -> str:
        return self.rest.partition("?")[2]

    @property
    def fixed(self) -> bool:
        """Whether the path names the provider, and no header can name another."""
        return self.name == "proxy"

    @property
    def openai_like(self) -> bool:
        """Whether this is one of OpenAI's own endpoints at another provider, where keys stand as at OpenAI."""
        return "/openai/" in self.path or self.path.endswith("/chat/completions")

    @property
    def usage_on_request(self) -> bool:
        """Whether streams of this endpoint report usage only if asked, as OpenAI's do."""
        return self.fixed and self.path.endswith(("/chat/completions", "/completions"))


def door_of(request: Request) -> Door | None:
    """The native door that a request came to, if it did."""
    path = request.message.path
    if path.startswith("/proxy/"):
        found = _PROXY.match(path)
        return Door("proxy", found.group(1).lower(), _rooted(path[found.end() :])) if found else None
    if path.startswith("http"):
        return _forwarded(path, request.target)
    if _GEMINI.match(path):
        return Door("gemini", "google", path)
    if _VERTEX.match(path):
        return Door("gemini", "vertex-ai", path)
    return _under_v1(request, path) if path.startswith("/v1/") else None


def _under_v1(request: Request, path: str) -> Door | None:
    """Of the paths that several APIs have, the headers tell whose a request is: each SDK sends its own."""
    first = path[4:].partition("?")[0].partition("/")[0]
    if first == "messages" or "anthropic-version" in request.headers:
        return Door("anthropic", "anthropic", path)
    if _is_googles(request) or (first == "models" and request.method == "POST"):
        return Door("gemini", "google", path)
    return None


def _is_googles(request: Request) -> bool:
    headers = request.headers
    return "x-goog-api-client" in headers or ("x-goog-api-key" in headers and "authorization" not in headers)


def _forwarded(url: str, target: str) -> Door | None:
    host = re.split(r"[/?#]", url.partition("://")[2], maxsplit=1)[0]
    return Door("proxy", "bedrock", target, host) if is_bedrocks(host) else None


def _rooted(rest: str) -> str:
    return rest if rest.startswith("/") else "/" + rest


def with_key_of_query(headers: Mapping[str, str], query: str) -> Mapping[str, str]:
    """Headers as if Gemini's `?key=` had come in its header; the same ones if there is no such key."""
    if "key=" not in query or "x-goog-api-key" in headers:
        return headers
    key = next((pair[4:] for pair in query.split("&") if pair.startswith("key=")), "")
    if not key:
        return headers
    made = CIMultiDict(headers)
    made["x-goog-api-key"] = key
    return made


def without_tracers_key(rest: str) -> str:
    """The target without parameters that hold a key of Tracer's own, which never goes to a provider."""
    path, _, query = rest.partition("?")
    if not holds_key(query):
        return rest
    kept = "&".join(pair for pair in query.split("&") if not holds_key(pair))
    return f"{path}?{kept}" if kept else path
