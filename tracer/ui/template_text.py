"""A prompt's template for people: its messages with their tags apart, and the whole version as lines that can be compared."""

from dataclasses import dataclass
from typing import Any

import orjson

from tracer.registry.records import PromptVersion
from tracer.registry.variables import variables_of
from tracer.ui.code import Code, json_code, template_code
from tracer.ui.conversation.blocks import flat
from tracer.ui.conversation.parts import as_json, mapping, text_of


@dataclass(frozen=True, slots=True)
class Said:
    """One message of a template."""

    role: str
    code: Code


@dataclass(frozen=True, slots=True)
class Template:
    """One version."""

    number: int
    version: PromptVersion
    messages: tuple[Said, ...]
    parameters: Code
    variables: tuple[str, ...]
    partials: tuple[str, ...]


def read(version: PromptVersion, number: int) -> Template:
    """The version as a page shows it. A template that is no list of messages is one text."""
    names = variables_of(version.string)
    return Template(
        number,
        version,
        tuple(Said(role, template_code(text)) for role, text in _messages(version)),
        json_code(as_json(_settings(version))),
        names.variables,
        (*names.partials, *names.variable_partials),
    )


def as_text(version: PromptVersion) -> str:
    """All that makes a version different from another, as lines."""
    said = [f"[{role}]\n{text}\n" for role, text in _messages(version)]
    return "\n".join((*said, "[parameters]", as_json(_settings(version))))


def _messages(version: PromptVersion) -> list[tuple[str, str]]:
    listed = None
    if not version.raw:
        try:
            listed = orjson.loads(version.string)
        except orjson.JSONDecodeError:
            listed = None
    if not isinstance(listed, list) or not all(isinstance(each, dict) and "role" in each for each in listed) or not listed:
        return [("raw template" if version.raw else "text", version.string)]
    return [(text_of(each["role"]) or "?", _said(each)) for each in listed]


def _said(message: Any) -> str:
    """The words of a message, and as JSON whatever else is in it."""
    rest = {key: value for key, value in mapping(message).items() if key not in ("role", "content") and value}
    return "\n".join(filter(None, (flat(mapping(message).get("content")), as_json(rest) if rest else "")))


def _settings(version: PromptVersion) -> dict[str, Any]:
    """What goes with the words."""
    more = {
        "tools": list(version.tools),
        "functions": list(version.functions),
        "tool_choice": version.tool_choice,
        "provider": version.provider,
        "template_metadata": dict(version.template_metadata),
    }
    return {**version.parameters, **{name: value for name, value in more.items() if value}}
