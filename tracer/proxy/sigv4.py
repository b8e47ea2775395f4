"""AWS's Signature Version 4 as a proxy sees it: who signed, for which region, which headers. Nothing is signed here. Pure.

A signature covers the method, the path's bytes, the query, the body and the headers that it names, Host always among them. So a
signed request may lose none of those on its way, and it is the signer who decides which host it is good for
(docs/decisions/0017-sigv4.md).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

SCHEME = "AWS4-HMAC-SHA256"
_CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/(\d{8})/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request")
_SIGNED_HEADERS = re.compile(r"SignedHeaders=([^,\s]+)")
_REGION = re.compile(r"[a-z]{2,4}(?:-[a-z]+)+-\d{1,2}")
# Amazon's own names of Bedrock: runtime, control plane, agents, FIPS, mantle.
_HOST = re.compile(rf"bedrock[a-z-]*\.({_REGION.pattern})\.(?:amazonaws\.com|amazonaws\.com\.cn|api\.aws)")


@dataclass(frozen=True, slots=True)
class Signature:
    """What a signed request says of its signature: `region` empty if it is none, `headers` in lower case."""

    key_id: str
    region: str
    headers: frozenset[str]


def signature(headers: Mapping[str, str], query: str) -> Signature | None:
    """The signature of a request with these (case-insensitive) headers, or of a presigned URL's query."""
    sent = headers.get("authorization", "")
    if sent.startswith(SCHEME):
        listed = _SIGNED_HEADERS.search(sent)
        return _read(sent, listed.group(1) if listed else "")
    if "X-Amz-Signature=" in query:
        named = dict(parse_qsl(query))
        return _read(f"Credential={named.get('X-Amz-Credential', '')}", named.get("X-Amz-SignedHeaders", ""))
    return None


def key_id(authorization: str) -> str:
    """The access key's id in the value of an Authorization header; empty if it holds no such."""
    found = _CREDENTIAL.search(authorization) if authorization.startswith(SCHEME) else None
    return found.group(1) if found else ""


def is_bedrocks(host: str) -> bool:
    """Whether a host (with or without a port) is one of Amazon's own for Bedrock."""
    name, _, port = host.lower().partition(":")
    return port in ("", "80", "443") and _HOST.fullmatch(name) is not None


def _read(text: str, listed: str) -> Signature:
    found = _CREDENTIAL.search(text)
    names = frozenset(name for name in listed.lower().split(";") if name)
    region = found.group(3) if found and _REGION.fullmatch(found.group(3)) else ""
    return Signature(found.group(1) if found else "", region, names)
