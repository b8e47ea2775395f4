"""What names and slugs may be, and how the registry says no. Pure.

A slug appears in paths (`/v1/prompts/{slug}@{version}/completions`), in templates (`{{>slug@5}}`) and as a file's name, so
letters, digits, `_` and `-` are all it may have. It must not look like an id either: calls name a prompt by slug or id, and a
slug that is another prompt's id would answer for it.
"""

import re
import secrets
import unicodedata
import uuid

import orjson

MOST_CHARACTERS = 1 << 20  # of one template or text
_MOST_NAME = 200
_MOST_WORKSPACE = 128
_BASE = 10  # characters of the name in a slug, as Portkey does it
_SLUG = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")
# Words that are part of a path where a slug could stand.
_RESERVED = ("partials",)
# As Portkey has it: at most one character beyond letters, digits, `_` and `-`, so `v1.2` and not `v1.2.3`.
_LABEL = re.compile(r"[A-Za-z0-9_-]*[^@\s]?[A-Za-z0-9_-]*")
_LABEL_RESERVED = ("latest", "default")


class Refusal(Exception):
    """A command that cannot be done; the message is for the person who asked."""


class NotFound(Refusal):
    """There is no such thing, or none that the caller may see."""

    def __init__(self, what: str) -> None:
        super().__init__(f"Invalid {what} id")


class Invalid(Refusal):
    """What was asked for is not possible."""


class Conflict(Refusal):
    """It would be possible, had somebody not been there first."""


def name(text: str) -> str:
    """`text` as a name, without spaces around it."""
    text = text.strip()
    if not text or len(text) > _MOST_NAME:
        raise Invalid(f"a name should have 1 to {_MOST_NAME} characters")
    if any(unicodedata.category(character) == "Cc" for character in text):
        raise Invalid("a name should have no control characters")
    return text


def workspace(text: str) -> str:
    """`text` as a workspace; "" is the common one."""
    if len(text) > _MOST_WORKSPACE:
        raise Invalid(f"a workspace should have at most {_MOST_WORKSPACE} characters")
    return name(text) if text else ""


def label_name(text: str) -> str:
    """`text` as a label, which stands behind the @ of a prompt's id."""
    if text.isdigit() or text in _LABEL_RESERVED or not _LABEL.fullmatch(name(text)):
        raise Invalid(
            f"{text!r} cannot be a label: letters, digits, `_`, `-` and one more character at most, "
            "not a number, `latest` or `default`"
        )
    return text


def slug(text: str) -> str:
    """`text` as a slug that somebody chose."""
    if not _SLUG.fullmatch(text) or text in _RESERVED or _is_id(text):
        raise Invalid(f"{text!r} cannot be a slug: up to 100 letters, digits, `_` and `-`, not an id, not {_RESERVED[0]!r}")
    return text


def new_slug(prefix: str, title: str) -> str:
    """A slug that says something of the name: `pp-gira-summa-5cd6b6`."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    base = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:_BASE].strip("-")
    return "-".join(part for part in (prefix, base, secrets.token_hex(3)) if part)


def new_id() -> str:
    """An id as Portkey's are."""
    return str(uuid.uuid4())


def text(what: str, value: str) -> str:
    """`value` as a template, description or the like."""
    if len(value) > MOST_CHARACTERS:
        raise Invalid(f"{what} is longer than {MOST_CHARACTERS} characters")
    if "\0" in value:  # PostgreSQL cannot keep it
        raise Invalid(f"{what} should have no NUL characters")
    return value


def json_value(what: str, value: object) -> None:
    """Refuse a JSON value that could not be written again."""
    try:
        size = len(orjson.dumps(value))
    except orjson.JSONEncodeError as error:  # deeper than it reads, or a number beyond 64 bits
        raise Invalid(f"{what} cannot be kept: {error}") from None
    if size > MOST_CHARACTERS:
        raise Invalid(f"{what} is larger than {MOST_CHARACTERS} bytes")


def _is_id(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True
