"""A row of queries/log.sql as Portkey's log record. Values in, values out.

Portkey's columns that Tracer's rows have no counterpart for are left out rather than filled with something: configs, virtual
keys, organisations, the targets of a routing strategy. What only Tracer knows stands under `tracer`.
"""

from collections.abc import Mapping
from typing import Any

import orjson

from tracer.api.questions import Row

UNITS = {
    "cost": "US cents",
    "saved": "US cents",
    "response_time": "ms to the first token of a stream, to the end of anything else",
    "ttlt": "ms to the end",
    "gateway_processing_time": "ms",
}
_METRICS = (
    "id",
    "created_at",
    "is_success",
    "ai_org",
    "ai_org_auth_hash",
    "ai_model",
    "req_units",
    "res_units",
    "total_units",
    "cost",
    "request_url",
    "request_method",
    "response_status_code",
    "response_time",
    "ttlt",
    "gateway_processing_time",
    "cache_status",
    "cache_type",
    "stream_mode",
    "prompt_slug",
    "prompt_version_id",
    "_user",
    "trace_id",
    "span_id",
    "span_name",
    "parent_span_id",
    "sdk_version",
    "api_key_id",
)
_OURS = ("outcome", "error_type", "error_message", "usage_source", "price_source", "saved", "notes", "truncated")
_PORTKEY = "x-portkey-"


def log_record(row: Row) -> dict[str, Any]:
    """The record. Bodies are JSON where they hold some, else text; null where none was kept."""
    headers: Mapping[str, str] = row["request_headers"]
    request = {
        "url": row["request_url"],
        "method": row["request_method"],
        "headers": {name: value for name, value in headers.items() if not name.startswith(_PORTKEY)},
        "portkeyHeaders": {name: value for name, value in headers.items() if name.startswith(_PORTKEY)},
        "body": _body(row["original_body"] or row["request_body"]),
    }
    record: dict[str, Any] = {
        "_id": row["id"],
        "request": request,
        "response": {
            "status": row["response_status_code"],
            "headers": row["response_headers"],
            "body": _body(row["assembled"] or row["response_body"]),
            "responseTime": row["response_time"],
        },
        "created_at": row["created_at"],
        "metrics": _metrics(row),
        "units": UNITS,
        "tracer": {name: row[name] for name in _OURS} | {"content_kept": bool(row["kept"])},
    }
    if row["original_body"]:
        record["transformedRequest"] = {"body": _body(row["request_body"])}
    if row["assembled"]:
        record["originalResponse"] = {"body": row["response_body"]}
    return record


def _metrics(row: Row) -> dict[str, Any]:
    metadata: Mapping[str, str] = row["metadata"]
    rescued = row["attempt"] if row["is_success"] else 0
    return {
        **{name: row[name] for name in _METRICS},
        "cost_currency": "USD",
        "retry_success_count": rescued,
        "metadata.key": list(metadata),
        "metadata.value": list(metadata.values()),
    }


def _body(text: str) -> Any:
    if not text:
        return None
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
