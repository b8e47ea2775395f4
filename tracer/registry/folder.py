"""A folder of prompts as files, made to live in git: `<slug>.toml` for a prompt, `partials/<slug>.toml` for a partial.

TOML, because a message reads as it is in a multi-line string, nothing in it is taken for something else (YAML's `no`,
Markdown's headings), and Python's own parser names the line of a mistake. A file is one version: the newest.

What TOML cannot say is kept as JSON text: messages with a null in them become `template`, and `parameters`,
`template_metadata`, `tools`, `functions` may be strings. Line ends in multi-line strings are `\\n` whatever the file has, so
git may change them.
"""

import difflib
import math
import re
import secrets
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import tomli_w

from tracer.registry import rules
from tracer.registry.rules import Invalid
from tracer.registry.stored import Content

PARTIALS = "partials"
_AS_JSON: dict[str, type] = {"parameters": dict, "template_metadata": dict, "tools": list, "functions": list}
_COMMON: dict[str, type | tuple[type, ...]] = {"name": str, "description": str, "publish": bool, "template": str}
_PROMPT_KEYS: dict[str, type | tuple[type, ...]] = {
    **_COMMON,
    "provider": str,
    "labels": list,
    "raw": bool,
    "messages": list,
    "tool_choice": (str, dict),
    **{key: (kind, str) for key, kind in _AS_JSON.items()},
}
# A text of several lines that TOML can hold as it is: no control characters, and no quote where the closing ones follow.
_BLOCK = re.compile(r"(?s)(?=.*\n)[\t\n\x20-\x7e\x80-\U0010ffff]*(?<!')")
_AT_LINE = re.compile(r" \(at line (\d+), column (\d+)\)$")
_KINDS = {str: "a string", bool: "true or false", list: "a list", dict: "a table"}


class FileError(Exception):
    """A file cannot be used; the message begins with its path and, if there is one, the line."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One file's prompt or partial."""

    slug: str
    name: str
    content: Content
    publish: bool = True
    labels: tuple[str, ...] | None = None  # None: the file says nothing of labels
    description: str = ""


def read_folder(folder: Path) -> tuple[list[tuple[Path, Entry]], list[tuple[Path, Entry]]]:
    """All prompts and all partials. Raises FileError, with a line for every file that is wrong."""
    if not folder.is_dir():
        raise FileError(f"{folder}: no such folder")
    found: tuple[list[tuple[Path, Entry]], list[tuple[Path, Entry]]] = ([], [])
    wrong = [
        f"{path}: prompts stand in {folder} itself, partials in {folder / PARTIALS}"
        for path in sorted(folder.glob("*/**/*.toml"))
        if path.parent != folder / PARTIALS
    ]
    for entries, place in zip(found, (folder, folder / PARTIALS), strict=True):
        for path in sorted(place.glob("*.toml")):
            try:
                entries.append((path, read_file(path, partial=place != folder)))
            except FileError as error:
                wrong.append(str(error))
    if wrong:
        raise FileError("\n".join(wrong))
    return found


def read_file(path: Path, *, partial: bool) -> Entry:
    """One file's entry. Raises FileError."""
    try:
        source = path.read_text("utf-8")
        values = tomllib.loads(source)
    except (OSError, UnicodeDecodeError) as error:
        raise FileError(f"{path}: {error}") from None
    except tomllib.TOMLDecodeError as error:
        at = _AT_LINE.search(str(error))
        line = f":{at[1]}" if at else f":{source.count(chr(10)) + 1}"
        raise FileError(f"{path}{line}: {_AT_LINE.sub('', str(error))}") from None
    try:
        return _entry(path.stem, values, partial)
    except _Wrong as wrong:
        raise FileError(f"{path}{_line_of(wrong.key, source)}: {wrong}") from None


def write_file(path: Path, entry: Entry, *, partial: bool) -> bool:
    """Write an entry's file, unless the one there says the same already (perhaps with comments); whether it was written."""
    try:
        if same(read_file(path, partial=partial), entry):
            return False
    except FileError:
        pass  # none yet, or a broken one
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(to_toml(entry, partial=partial), "utf-8", newline="\n")
    return True


def to_toml(entry: Entry, *, partial: bool) -> str:
    """A file's text, which reads back as the same entry. Texts of several lines stand there as they are, without escapes."""
    blocks: list[str] = []
    mark = secrets.token_hex(60)  # so long that it is not written into one line with others
    text = tomli_w.dumps(_with_marks(_values(entry, partial), mark, blocks))
    return re.sub(rf'"{mark}(\d+)"', lambda found: f"'''\n{blocks[int(found[1])]}'''", text)


def _with_marks(value: Any, mark: str, blocks: list[str]) -> Any:
    """`value` with a mark in place of each text that goes into the file as a block."""
    if isinstance(value, dict):
        return {key: _with_marks(item, mark, blocks) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_marks(item, mark, blocks) for item in value]
    if isinstance(value, str) and _BLOCK.fullmatch(value) and "'''" not in value:
        blocks.append(value)
        return f"{mark}{len(blocks) - 1}"
    return value


def same(one: Entry, other: Entry) -> bool:
    """Whether two entries say the same."""
    heads = [(entry.slug, entry.name, entry.publish, sorted(entry.labels or ()), entry.description) for entry in (one, other)]
    return heads[0] == heads[1] and same_content(one.content, other.content)


def same_content(one: Content, other: Content) -> bool:
    """Whether two versions are the same but for how their JSON is spaced."""
    return _comparable(one) == _comparable(other)


class _Wrong(Exception):
    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key = key


def _entry(slug: str, values: dict[str, Any], partial: bool) -> Entry:
    keys = _COMMON if partial else _PROMPT_KEYS
    for key, value in values.items():
        _check(key, value, keys)
    _rule("", rules.slug, slug)
    name = _rule("name", rules.name, values.get("name", slug))
    labels = tuple(_rule("labels", rules.label_name, label) for label in values["labels"]) if "labels" in values else None
    rest = {key: _from_json(key, values[key]) for key in _AS_JSON if key in values}
    content = Content(
        _template(values, partial),
        raw=values.get("raw", False),
        provider=values.get("provider", ""),
        tool_choice=values.get("tool_choice"),
        **rest,
    )
    return Entry(slug, name, content, values.get("publish", True), labels, values.get("description", ""))


def _rule(key: str, rule: Callable[[str], str], text: str) -> str:
    try:
        return rule(text)
    except Invalid as error:
        raise _Wrong(key, str(error)) from None


def _check(key: str, value: object, keys: Mapping[str, type | tuple[type, ...]]) -> None:
    if key not in keys:
        close = difflib.get_close_matches(key, keys, n=1)
        raise _Wrong(key, f"unknown key `{key}`" + (f"; did you mean `{close[0]}`?" if close else ""))
    kind = keys[key]
    if not isinstance(value, kind):
        kinds = kind if isinstance(kind, tuple) else (kind,)
        raise _Wrong(key, f"`{key}` should be {' or '.join(_KINDS[k] for k in kinds)}")
    if key == "labels" and not all(isinstance(label, str) for label in value):  # type: ignore[attr-defined]
        raise _Wrong(key, "`labels` should be a list of strings")
    _only_json(key, value)


def _only_json(key: str, value: object) -> None:
    """TOML has dates and infinities; JSON has not."""
    if isinstance(value, dict):
        for item in value.values():
            _only_json(key, item)
    elif isinstance(value, list):
        for item in value:
            _only_json(key, item)
    elif not isinstance(value, str | int) and not (isinstance(value, float) and math.isfinite(value)):
        raise _Wrong(key, f"`{key}` has a value that JSON cannot have: {value} (a date should be in quotes)")


def _template(values: Mapping[str, Any], partial: bool) -> str:
    if ("template" in values) == ("messages" in values):
        raise _Wrong("messages", "`template` is missing" if partial else "one of `messages` and `template` should be there")
    if "template" in values:
        return str(values["template"])
    if not values["messages"]:
        raise _Wrong("messages", "`messages` is empty")
    for message in values["messages"]:
        if not isinstance(message, dict) or not isinstance(message.get("role"), str):
            raise _Wrong("messages", "each of `messages` should be a table with a `role`")
    return orjson.dumps(values["messages"], option=orjson.OPT_INDENT_2).decode()


def _from_json(key: str, value: object) -> Any:
    if not isinstance(value, str):
        return value
    try:
        parsed = orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise _Wrong(key, f"`{key}` is not JSON: {error}") from None
    if not isinstance(parsed, _AS_JSON[key]):
        raise _Wrong(key, f"`{key}` should be {_KINDS[_AS_JSON[key]]}")
    return parsed


def _line_of(key: str, source: str) -> str:
    found = re.search(rf"^[ \t]*\[*[ \t]*\"?{re.escape(key)}\"?[ \t]*[=.\]]", source, re.MULTILINE) if key else None
    return f":{source.count(chr(10), 0, found.start()) + 1}" if found else ""


def _values(entry: Entry, partial: bool) -> dict[str, Any]:
    """The file's keys in their order: single values first, as TOML wants it."""
    content = entry.content
    messages = None if partial or content.raw else _messages(content.string)
    values: dict[str, Any] = {"name": entry.name, "description": entry.description, "publish": entry.publish}
    if not partial:
        values |= {"labels": sorted(entry.labels or ()), "provider": content.provider, "raw": content.raw}
    values = {key: value for key, value in values.items() if value or key == "publish"}
    tables: dict[str, Any] = {}
    for key in () if partial else (*_AS_JSON, "tool_choice"):
        if value := getattr(content, key):
            plain = _has_no_null(value)
            (tables if plain and not isinstance(value, str) else values)[key] = value if plain else orjson.dumps(value).decode()
    if messages is None:
        return {**values, "template": content.string, **tables}
    first = {key: tables.pop(key) for key in ("parameters",) if key in tables}
    return {**values, **first, "messages": messages, **tables}


def _messages(string: str) -> list[Any] | None:
    """A template's messages, if they can be written as such."""
    try:
        messages = orjson.loads(string)
    except orjson.JSONDecodeError:
        return None
    chat = isinstance(messages, list) and all(isinstance(m, dict) and isinstance(m.get("role"), str) for m in messages)
    return messages if messages and chat and _has_no_null(messages) else None


def _has_no_null(value: object) -> bool:
    if isinstance(value, dict):
        return all(map(_has_no_null, value.values()))
    return all(map(_has_no_null, value)) if isinstance(value, list) else value is not None


def _comparable(content: Content) -> tuple[object, ...]:
    string: object = content.string
    if not content.raw:
        try:
            string = orjson.loads(content.string)
        except orjson.JSONDecodeError:
            string = content.string
    parts = (content.parameters, content.template_metadata, content.tools, content.functions, content.tool_choice)
    # What is empty is written as if it were not there.
    return (string, content.raw, content.provider, *(part or None for part in parts))
