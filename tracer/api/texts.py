"""Values from a caller's JSON as texts that can be kept: UTF-8 has no lone surrogates, JSON from Python may have some. Pure."""

import json

import orjson

LONGEST = 128  # of a text in metadata, as Portkey cuts them


def storable(text: str) -> str:
    """`text` without what UTF-8 cannot carry."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def json_text(value: object) -> str:
    """Compact JSON; of what only Python's JSON can say (NaN, lone surrogates, huge integers) as Python would write it.

    Raises RecursionError for more than orjson's 254 levels.
    """
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError as error:
        if "Recursion" in str(error):
            raise RecursionError from None
        return json.dumps(value, separators=(",", ":"))


def metadata_text(value: object) -> str:
    """Text of a metadata value, as on a call's row: empty values are empty, objects and lists their JSON."""
    if not value and value is not False and value != 0:
        return ""
    try:
        return storable(value if isinstance(value, str) else json_text(value))[:LONGEST]
    except RecursionError:
        return ""
