"""The error in a reply, in whichever dialect: its type, a name that programs can count, and its message."""

from collections.abc import Mapping
from typing import Any

from tracer.sink.request import string

_MOST_TEXT = 4096
_MOST_KIND = 256

Error = tuple[str, str]


def error_in(document: Mapping[str, Any]) -> Error | None:
    """Type and message of the error in a reply that may as well hold none."""
    found = error_of(document.get("error"))
    if found is not None:
        return found
    if document.get("type") == "error" or document.get("object") == "error":
        return _kind(document), string(document.get("message"))[:_MOST_TEXT]
    return None


def error_of(error: Any) -> Error | None:
    """Type and message of what stands where errors stand; None if that is no error."""
    if isinstance(error, dict):
        kind, message = _kind(error), string(error.get("message"))
        return (kind, message[:_MOST_TEXT]) if kind or message else None
    if error and isinstance(error, str):
        return "", error[:_MOST_TEXT]
    return None


def error_reply(document: Mapping[str, Any]) -> Error:
    """Type and message from the body of a failed call, in whichever dialect; empty strings where it says nothing."""
    found = error_in(document)
    if found is not None and any(found):
        return found
    detail = document.get("detail")  # FastAPI: a sentence, or a list of what is wrong where
    if isinstance(detail, list):
        parts = [string(part.get("msg")) for part in detail if isinstance(part, dict)]
        return "", "; ".join(part for part in parts if part)[:_MOST_TEXT]
    message = string(document.get("message")) or string(document.get("Message")) or string(detail)
    return _kind(document), message[:_MOST_TEXT]


def _kind(error: Mapping[str, Any]) -> str:
    """The most telling name.

    OpenAI's `code` ("context_length_exceeded"), else its `type`, Google's `status` ("RESOURCE_EXHAUSTED"), text-generation-
    inference's `error_type` or Amazon's `__type`, else a number as code.
    """
    code, kind = error.get("code"), error.get("type")
    if code and isinstance(code, str) and not code.isdigit():
        return code[:_MOST_KIND]
    if kind and isinstance(kind, str) and kind != "error":
        return kind[:_MOST_KIND]
    for name in ("status", "error_type", "__type"):
        word = error.get(name)
        if word and isinstance(word, str) and not word.isdigit():
            return word.rpartition("#")[2][:_MOST_KIND]
    return str(code) if code and isinstance(code, str | int) else ""
