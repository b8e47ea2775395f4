"""Identifiers: call ids (UUIDv7) and the OTLP ids derived from whatever strings callers use.

Portkey's trace and span ids are free strings; OTLP needs 32 and 16 hex digits. The same string must always give the same
digits, else one trace falls apart into many, so the derivation is a pure function of the string: hex of the right length
as it is, a UUID without its dashes, anything else the first bytes of its SHA-256 (as Langfuse's create_trace_id does).
"""

import hashlib
import random
import re
from uuid import UUID

_HEX_32 = re.compile(r"[0-9a-f]{32}")
_HEX_16 = re.compile(r"[0-9a-f]{16}")
_NIL = "0" * 32
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def uuid7(unix_ns: int, random_80: int) -> UUID:
    """A version-7 UUID of RFC 9562 from a wall-clock time in nanoseconds and 80 random bits (74 are used)."""
    ms = unix_ns // 1_000_000
    rand_a = (random_80 >> 64) & 0xFFF
    rand_b = random_80 & 0x3FFF_FFFF_FFFF_FFFF
    return UUID(int=(ms & 0xFFFF_FFFF_FFFF) << 80 | 0x7 << 76 | rand_a << 64 | 0b10 << 62 | rand_b)


def random_uuid() -> str:
    """A version-4 UUID as text. Not from the system's randomness, which costs a system call: an id is no secret."""
    bits = random.getrandbits(128) & ~(0xF << 76 | 0b11 << 62) | 0x4 << 76 | 0b10 << 62
    digits = f"{bits:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def otel_trace_id(trace_id: str) -> str:
    """32 lower-case hex digits, never all zero, for any trace id."""
    candidate = trace_id.lower()
    if len(candidate) == 36 and _UUID.fullmatch(candidate):
        candidate = candidate.replace("-", "")
        if candidate != _NIL:
            return candidate
    return _derive(trace_id, candidate, _HEX_32, 32)


def otel_span_id(span_id: str) -> str:
    """16 lower-case hex digits, never all zero, for any span id."""
    return _derive(span_id, span_id.lower(), _HEX_16, 16)


def _derive(original: str, candidate: str, pattern: re.Pattern[str], digits: int) -> str:
    if len(candidate) == digits and pattern.fullmatch(candidate) and candidate.strip("0"):
        return candidate
    digest = hashlib.sha256(original.encode("utf-8", "surrogateescape")).hexdigest()[:digits]
    # All zero is invalid in OTLP; no string is known to hash to it, but the guard costs nothing.
    return digest if digest.strip("0") else "0" * (digits - 1) + "1"
