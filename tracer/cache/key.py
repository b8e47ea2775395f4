"""The name of an answer in the cache: SHA-256 over everything that the answer depends on.

    who asks · method · full upstream URL · body as it goes up · namespace, or else the metadata header · what negotiates bytes

Invariants
- No two different lists of parts give the same bytes to hash: every part is preceded by its length (tests/cache/test_key.py).
- Two callers share an answer only if they are the same by `identity`.
- Bodies are compared as JSON values, so key order and spaces do not matter. A body that readers may understand differently
  (a key twice, NaN, a number beyond a double) has no key and is not cached; nor has one that changes something at the provider.

Trap: the body must be the one that goes up, with what Tracer spliced in, and the Accept-Encoding the one that goes up too. The
reply is stored as the provider's bytes, so a request for another coding is another question.
"""

import hashlib
import json
import math
import re
from collections.abc import Iterable, Sequence
from typing import Any

from tracer.cache.rule import Rule

# Changed whenever the parts change, so that no key of an older Tracer means something else now.
_FORM = b"tracer-cache-1"
# Headers that choose what the provider sends, beside all of OpenAI's and Anthropic's own and whatever switches a beta on.
_NEGOTIATES = frozenset({b"accept", b"accept-encoding", b"accept-language", b"x-goog-user-project"})
_NEGOTIATES_TOO = re.compile(rb"(?:openai|anthropic)-.*|.*-beta", re.DOTALL)
# Of the Responses API: what adds to a conversation, or is only accepted now and answered later.
_STATEFUL = ("conversation", "background")

HeaderPairs = Sequence[tuple[bytes, bytes]]


def identity(workspace: str, key_id: str, provider_key: str) -> bytes:
    """Who asks: the workspace of the caller's Tracer key, else that key, else the provider key it sent, else anybody."""
    if workspace:
        return _packed((b"workspace", _bytes(workspace)))
    if key_id:
        return _packed((b"key", _bytes(key_id)))
    if provider_key:
        return _packed((b"provider key", hashlib.sha256(_bytes(provider_key)).digest()))
    return _packed((b"anybody",))


def cache_key(
    rule: Rule,
    *,
    identity: bytes,
    method: str,
    url: str,
    body: bytes,
    headers: HeaderPairs = (),
    added: Iterable[tuple[str, str]] = (),
) -> str | None:
    """The key as hex digits, or None for a body whose answer is not cached.

    `headers` go upstream; of them only those count that choose the bytes of the answer. Those in `added`, which a front door
    put there by its caller's wish, all count.
    """
    try:
        document = _canonical(_document(body))
    except (ValueError, RecursionError):
        return None
    scope = (b"metadata", _bytes(rule.metadata)) if rule.namespace is None else (b"namespace", _bytes(rule.namespace))
    chosen = [(name.lower(), value) for name, value in headers if _negotiates(name.lower())]
    chosen += [(_bytes(name.lower()), _bytes(value)) for name, value in added]
    parts = (
        _FORM,
        identity,
        _bytes(method),
        _bytes(url),
        document,
        _packed(scope),
        # By name only: the order of two headers of one name has a meaning, that of different ones has none.
        _packed(_packed(pair) for pair in sorted(chosen, key=lambda pair: pair[0])),
    )
    return hashlib.sha256(_packed(parts)).hexdigest()


def _document(body: bytes) -> dict[str, Any]:
    """The JSON object in a body. Raises ValueError or RecursionError for one whose answer is not cached."""
    # Decoded first: json.loads takes UTF-16 too, which a provider may not.
    value = json.loads(body.decode(), object_pairs_hook=_once, parse_constant=_refuse, parse_float=_finite)
    if not isinstance(value, dict):
        raise ValueError("not an object")
    if any(value.get(field) for field in _STATEFUL):
        raise ValueError("it changes something at the provider")
    return value


def _canonical(document: dict[str, Any]) -> bytes:
    """One form for all texts of the same JSON object."""
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key twice")
    return found


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError(digits)
    return number


def _negotiates(name: bytes) -> bool:
    return name in _NEGOTIATES or _NEGOTIATES_TOO.fullmatch(name) is not None


def _packed(parts: Iterable[bytes]) -> bytes:
    """Parts one behind the other, each with its length, so that no two lists of parts look the same."""
    return b"".join(len(part).to_bytes(8, "big") + part for part in parts)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
