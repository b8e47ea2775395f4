"""Prompts and calls of them, made short for tests."""

from collections.abc import Mapping

import orjson

from tracer.prompts.mustache import parsed
from tracer.prompts.render import wanted
from tracer.prompts.template import Evaluation
from tracer.proxy.wanted import Wanted
from tracer.registry.records import Prompt, PromptVersion


def rendered(template: str, variables: dict[str, object], partials: Mapping[str, str] | None = None) -> str:
    evaluation = Evaluation(variables, (partials or {}).get)
    return evaluation.render(parsed(template))


def version(template: object, number: int = 1, **fields: object) -> PromptVersion:
    """A version of messages, if `template` is a list, or of a text."""
    string = template if isinstance(template, str) else orjson.dumps(template).decode()
    return PromptVersion(number, string, **fields)  # type: ignore[arg-type]


def prompt(*versions: PromptVersion, slug: str = "pp-greet-abc123", workspace: str = "", published: int = 1) -> Prompt:
    return Prompt("6b1c0d7e", slug, "Greet", workspace, published, {each.number: each for each in versions})


def asked(made: PromptVersion, body: object = None, partials: Mapping[str, str] | None = None) -> Wanted:
    return wanted(prompt(made), made, {} if body is None else body, (partials or {}).get)


def content(
    template: str, variables: dict[str, object], *, raw: bool = False, partials: Mapping[str, str] | None = None
) -> object:
    """The content of the one message whose content is this template."""
    string = '[{"role":"user","content":"' + template + '"}]' if raw else [{"role": "user", "content": template}]
    messages = asked(version(string, raw=raw), {"variables": variables}, partials).body["messages"]
    assert isinstance(messages, list)
    return messages[0]["content"]
