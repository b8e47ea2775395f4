"""The list's filters as they stand in the URL, as conditions on `llm.calls`: constant texts and bound values.

A `*` in a text stands for anything; without one it must be equal. What cannot be read is a problem that the page tells, with no
rows: a filter that is silently ignored shows figures that are silently wrong.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

OUTCOMES = ("ok", "upstream_error", "stream_error", "client_gone", "timeout", "refused", "cache_hit", "proxy_crash")
CACHE = ("HIT", "MISS", "REFRESH", "DISABLED")
# What the outcome filter offers beside the outcomes themselves. A client that left is no failure of the answer.
FAILED = "failed"
FAILED_SQL = "outcome NOT IN ('ok', 'cache_hit', 'client_gone')"
_LONGEST = 2000
_NUMBER = re.compile(r"\d{1,12}(?:\.\d{0,18})?|\.\d{1,18}")
_STATUS = re.compile(r"([1-5])xx|(\d{1,3})", re.IGNORECASE)

Values = dict[str, Any]
Read = Callable[[str, str], tuple[str, Values]]


@dataclass(frozen=True, slots=True)
class Conditions:
    """What goes behind WHERE, with its values, what of the URL it came from, and what could not be read."""

    clause: str = "true"
    values: Mapping[str, Any] = field(default_factory=dict)
    given: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


def _text(*columns: str) -> Read:
    def read(name: str, text: str) -> tuple[str, Values]:
        if "*" in text:
            pattern = re.sub(r"([\\%_])", r"\\\1", text).replace("*", "%")
            return _any(f"{column} LIKE {{{name}:String}}" for column in columns), {name: pattern}
        return _any(f"{column} = {{{name}:String}}" for column in columns), {name: text}

    return read


def _any(clauses: Any) -> str:
    return "(" + " OR ".join(clauses) + ")"


def _outcome(name: str, text: str) -> tuple[str, Values]:
    if text == FAILED:
        return FAILED_SQL, {}
    return "outcome = {outcome:String}", {name: text}


def _status(name: str, text: str) -> tuple[str, Values]:
    match = _STATUS.fullmatch(text)
    if match is None:
        raise ValueError("should be a code such as 429, or 5xx")
    if match[1]:
        return "intDiv(status_code, 100) = {status:UInt16}", {name: int(match[1])}
    return "status_code = {status:UInt16}", {name: int(match[2])}


def _metadata(name: str, text: str) -> tuple[str, Values]:
    pairs = [part.partition("=") for part in text.split(",") if part.strip()]
    if not pairs or not all(key.strip() and equals for key, equals, _ in pairs):
        raise ValueError("should be key=value, several with commas between them")
    clauses: list[str] = []
    values: Values = {}
    for number, (key, _, value) in enumerate(pairs):
        clause, bound = _text(f"metadata[{{meta_key_{number}:String}}]")(f"meta_value_{number}", value.strip())
        clauses.append(f"mapContains(metadata, {{meta_key_{number}:String}}) AND {clause}")
        values |= {f"meta_key_{number}": key.strip(), **bound}
    return "(" + " AND ".join(clauses) + ")", values


def _words(name: str, text: str) -> tuple[str, Values]:
    clause = "(positionCaseInsensitiveUTF8(error_message, {error:String}) > 0 OR error_type = {error:String})"
    return clause, {name: text}


def _least(clause: str) -> Read:
    def read(name: str, text: str) -> tuple[str, Values]:
        if not _NUMBER.fullmatch(text):
            raise ValueError("should be a number such as 0.05")
        return clause, {name: text}

    return read


def _trace(name: str, text: str) -> tuple[str, Values]:
    return "(trace_id = {trace:String} OR otel_trace_id = {trace:String})", {name: text}


FILTERS: dict[str, Read] = {
    "model": _text("request_model", "response_model"),
    "provider": _text("provider"),
    "outcome": _outcome,
    "status": _status,
    "user": _text("user"),
    "meta": _metadata,
    "error": _words,
    "trace": _trace,
    "min_cost": _least("cost_usd >= {min_cost:Decimal(38, 18)}"),
    "min_ms": _least("duration_ms >= {min_ms:Float64}"),
    "prompt": _text("prompt_id"),
    "cache": _text("cache_status"),
    "fingerprint": _text("system_fingerprint"),
    "key": _text("key_id"),
}
LABELS = {
    "meta": "metadata",
    "error": "error text",
    "min_cost": "min cost",
    "min_ms": "min duration",
}


def conditions(query: Mapping[str, str]) -> Conditions:
    """The conditions that a URL asks for; parameters that are no filters are somebody else's."""
    clauses, problems = [], []
    values: Values = {}
    given: dict[str, str] = {}
    for name, read in FILTERS.items():
        text = query.get(name, "").strip()
        if not text:
            continue
        given[name] = text
        try:
            clause, bound = read(name, _storable(text))
        except ValueError as error:
            problems.append(f"{LABELS.get(name, name)} {error}")
        else:
            clauses.append(clause)
            values |= bound
    return Conditions(" AND ".join(clauses) or "true", values, given, tuple(problems))


def _storable(text: str) -> str:
    """`text` if ClickHouse can be asked for it."""
    if len(text) > _LONGEST or "\0" in text or text.encode("utf-8", "replace") != text.encode("utf-8", "surrogatepass"):
        raise ValueError(f"should be a text of at most {_LONGEST} characters")
    return text
