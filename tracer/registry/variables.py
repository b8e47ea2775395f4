"""What a template asks for, read off its tags. Pure, and no rendering: tracer/prompts/ does that.

Portkey saves a prompt's variables among its `parameters`, with empty defaults. Sent to a provider they are unknown parameters
and the call fails, so what calls use leaves them out. A variable may also be called like a parameter (`{{user}}`): then only an
empty one goes.

Reading takes time in proportion to the template, whatever it holds: the expression never looks twice at the same text, and of
sections inside one another only so many are followed as nobody writes by hand.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

_TAG = re.compile(r"\{\{([^{}]*)\}\}")
_SIGIL = re.compile(r">>|[#^/&>!=]?")
_DEEPEST = 10
_PARAMETERS = frozenset(
    re.findall(
        r"\w+",
        """
    audio best_of echo frequency_penalty function_call functions guided_choice guided_grammar guided_json guided_regex
    include_reasoning logit_bias logprobs max_completion_tokens max_tokens messages metadata min_p min_tokens modalities
    model n parallel_tool_calls prediction presence_penalty prompt reasoning reasoning_effort repetition_penalty
    response_format safety_settings seed service_tier stop stop_sequences store stream stream_options suffix system
    temperature thinking tool_choice tools top_k top_logprobs top_p user verbosity web_search_options
        """,
    )
)


@dataclass(frozen=True, slots=True)
class Variables:
    """The names in a template, each kind in the order of their first tag."""

    variables: tuple[str, ...] = ()  # sections among them: they are values too
    sections: tuple[str, ...] = ()
    partials: tuple[str, ...] = ()
    variable_partials: tuple[str, ...] = ()
    inside: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # a section's variables


def variables_of(template: str) -> Variables:
    """The names that a template's tags mention."""
    variables: dict[str, None] = {}
    partials: dict[str, None] = {}
    variable_partials: dict[str, None] = {}
    inside: dict[str, dict[str, None]] = {}
    stack: list[str] = []
    for sigil, name in _tags(template):
        if sigil == ">":
            partials[name] = None
        elif sigil == ">>":
            variable_partials[name] = None
        elif sigil == "/":
            if name in stack:
                del stack[stack.index(name) :]
        elif sigil not in ("!", "=") and name != ".":
            variables[name] = None
            for section in stack:
                inside[section][name] = None
            if sigil in ("#", "^") and len(stack) < _DEEPEST:
                _open(name, stack, inside)
    return Variables(
        tuple(variables),
        tuple(inside),
        tuple(partials),
        tuple(variable_partials),
        {section: tuple(names) for section, names in inside.items()},
    )


def _tags(template: str) -> Iterator[tuple[str, str]]:
    """Each tag's kind and what it names."""
    for inner in _TAG.findall(template):
        text = inner.strip()
        sigil = _SIGIL.match(text)[0]  # type: ignore[index]  # it matches the empty text
        if name := text[len(sigil) :].strip():
            yield sigil, name


def _open(name: str, stack: list[str], inside: dict[str, dict[str, None]]) -> None:
    stack.append(name)
    inside.setdefault(name, {})


def without_variables(parameters: Mapping[str, object], template: str) -> dict[str, object]:
    """The parameters that are for the model."""
    found = (name for sigil, name in _tags(template) if sigil not in (">", ">>", "/", "!", "="))
    names = {part for name in found for part in (name, name.partition(".")[0])}
    return {name: value for name, value in parameters.items() if value != "" and (name not in names or name in _PARAMETERS)}
