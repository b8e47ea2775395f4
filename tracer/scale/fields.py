"""What becomes of each field of Scale SGP's requests: one table, a row per field, a column per kind of upstream.

Two schemas share the paths. scale-gp 0.1.0a54 to a58 sends the first (`a58`); scale-gp 0.1.0a59 and later, and scale-gp-beta
on /v5, the second (`v5`). The door takes both everywhere, and passes on a field that is in no row: SGP does so too.

A row is data. What `TRANSLATE` means for a field is one function in tracer/scale/changes.py under the row's name; rows with
`[]` are places inside a field, and changed together. docs/scale.md is written from `FIELDS`, and a test holds it so.

Why a field is treated as it is
- A hint that an upstream does not know (`top_k`, `best_of`, …) is left out with a note: OpenAI answers 400 to an argument that
  it does not know. Upstreams of which nothing is known get it and say themselves what they think of it.
- A constraint on the answer (`guided_*`) or on the prompt (`chat_template`) is refused where it cannot be kept: leaving it out
  would give an answer of another form without a word.
- SGP itself gets everything as it came: it has no column.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What an upstream is, as far as fields go."""

    OPENAI = "OpenAI"
    SELF_HOSTED = "self-hosted"  # taken for vLLM: a base URL, and any provider that only the configuration knows
    ANTHROPIC = "Anthropic"  # its OpenAI-compatible API, which ignores what it does not know
    OTHER = "other"  # the known OpenAI-compatible providers
    SGP = "SGP"


class Do(StrEnum):
    PASS = "pass"
    TRANSLATE = "translate"
    DROP = "drop"  # with a note on the row
    REFUSE = "refuse"  # 422


class Dialect(StrEnum):
    CHAT = "chat"
    TEXT = "completions"
    RESPONSES = "responses"


class Type(StrEnum):
    """JSON types as rows name them; tracer/scale/validate.py knows how to check each."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    OBJECT = "object"
    OBJECTS = "object[]"
    STRINGS = "string[]"
    STRING_OR_STRINGS = "string or string[]"
    STRING_OR_OBJECT = "string or object"
    STRING_OR_OBJECTS = "string or array"
    BOOLEAN_OR_INTEGER = "boolean or integer"
    NUMBER_OR_STRING = "number or string"
    BIASES = "map of string to integer"
    ANY = "any"


@dataclass(frozen=True, slots=True)
class Ways:
    """A treatment for each kind of upstream but SGP."""

    openai: Do
    self_hosted: Do
    anthropic: Do
    other: Do

    def of(self, kind: Kind) -> Do:
        return Do.PASS if kind is Kind.SGP else Do(getattr(self, _COLUMN[kind]))


_COLUMN = {Kind.OPENAI: "openai", Kind.SELF_HOSTED: "self_hosted", Kind.ANTHROPIC: "anthropic", Kind.OTHER: "other"}


@dataclass(frozen=True, slots=True)
class Field:
    """One row. `name` with `[]` is a place inside another field; its type is checked with that one's."""

    dialect: Dialect
    name: str
    type: Type
    schema: str  # "a58", "v5" or "both"
    ways: Ways
    into: str = ""  # for people: what a translation makes of it, or why it is treated so
    required: bool = False


_PASS = Ways(Do.PASS, Do.PASS, Do.PASS, Do.PASS)
_OURS = Ways(Do.TRANSLATE, Do.TRANSLATE, Do.TRANSLATE, Do.TRANSLATE)
_NOWHERE = Ways(Do.DROP, Do.DROP, Do.DROP, Do.DROP)
_EXTENSION = Ways(openai=Do.DROP, self_hosted=Do.PASS, anthropic=Do.DROP, other=Do.PASS)
_CONSTRAINT = Ways(openai=Do.REFUSE, self_hosted=Do.TRANSLATE, anthropic=Do.REFUSE, other=Do.REFUSE)
_OF_A_CONSTRAINT = Ways(openai=Do.DROP, self_hosted=Do.TRANSLATE, anthropic=Do.DROP, other=Do.DROP)
_PROMPT = Ways(openai=Do.REFUSE, self_hosted=Do.PASS, anthropic=Do.REFUSE, other=Do.REFUSE)
_FOREIGN = Ways(openai=Do.DROP, self_hosted=Do.DROP, anthropic=Do.DROP, other=Do.PASS)

_MODEL = "`vendor/model_name[/deployment]` to an upstream and its name of the model"
_GUIDED = "`structured_outputs.{}`; as it is with `TRACER_SCALE_OLD_VLLM`"

_Row = tuple[str, Type, str, Ways, str] | tuple[str, Type, str, Ways]
_T = Type

_CHAT: tuple[_Row, ...] = (
    ("model", _T.STRING, "both", _OURS, _MODEL),
    ("messages", _T.OBJECTS, "both", _OURS, "see the rows below"),
    ("messages[].role", _T.STRING, "both", _OURS, "added where missing: tool, assistant or user, by the other keys"),
    ("messages[].content", _T.ANY, "both", _OURS, "a single part is put into an array"),
    (
        "messages[].content[].image_url.media_type",
        _T.STRING,
        "a58",
        _OURS,
        "a bare base64 `url` becomes a `data:` URL of this type; then it is left out",
    ),
    ("messages[].tool_calls[].function.arguments", _T.STRING, "a58", _OURS, "`{}` where missing: OpenAI requires it"),
    ("audio", _T.OBJECT, "both", _PASS),
    ("best_of", _T.INTEGER, "a58", _EXTENSION, "vLLM no longer has it for chat and ignores it"),
    ("chat_template", _T.STRING, "a58", _PROMPT),
    ("chat_template_kwargs", _T.OBJECT, "a58", _EXTENSION),
    ("frequency_penalty", _T.NUMBER, "both", _PASS),
    ("function_call", _T.STRING_OR_OBJECT, "v5", _PASS),
    ("functions", _T.OBJECTS, "v5", _PASS),
    ("guided_choice", _T.STRINGS, "a58", _CONSTRAINT, _GUIDED.format("choice")),
    (
        "guided_decoding_backend",
        _T.STRING,
        "a58",
        _OF_A_CONSTRAINT,
        "left out with a note: vLLM chooses since 0.12; as it is with `TRACER_SCALE_OLD_VLLM`",
    ),
    ("guided_grammar", _T.STRING, "a58", _CONSTRAINT, _GUIDED.format("grammar")),
    ("guided_json", _T.STRING_OR_OBJECT, "a58", _CONSTRAINT, _GUIDED.format("json")),
    ("guided_regex", _T.STRING, "a58", _CONSTRAINT, _GUIDED.format("regex")),
    ("guided_whitespace_pattern", _T.STRING, "a58", _OF_A_CONSTRAINT, _GUIDED.format("whitespace_pattern")),
    ("include_stop_str_in_output", _T.BOOLEAN, "a58", _EXTENSION),
    ("inference_extra_headers", _T.OBJECT, "a58", _OURS, "headers of the upstream request, filtered; values are not recorded"),
    (
        "inference_extra_params",
        _T.OBJECT,
        "a58",
        _OURS,
        "added to the upstream body last, as they are; not over protected keys",
    ),
    ("inference_timeout", _T.NUMBER_OR_STRING, "a58", _OURS, "seconds until the reply begins"),
    ("logit_bias", _T.BIASES, "both", _PASS),
    ("logprobs", _T.BOOLEAN, "both", _PASS),
    ("max_completion_tokens", _T.INTEGER, "both", _PASS),
    ("max_tokens", _T.INTEGER, "both", _PASS),
    ("memory_strategy", _T.OBJECT, "a58", _OURS, "`last_k`: the leading system messages and the last k others go up"),
    ("metadata", _T.OBJECT, "v5", _PASS),
    ("modalities", _T.STRINGS, "both", _PASS),
    ("n", _T.INTEGER, "both", _PASS),
    ("parallel_tool_calls", _T.BOOLEAN, "both", _PASS),
    ("prediction", _T.OBJECT, "both", _PASS),
    ("presence_penalty", _T.NUMBER, "both", _PASS),
    ("reasoning_effort", _T.STRING, "v5", _PASS),
    ("response_format", _T.OBJECT, "both", _PASS),
    ("seed", _T.INTEGER, "both", _PASS),
    ("stop", _T.STRING_OR_STRINGS, "both", _PASS),
    ("store", _T.BOOLEAN, "v5", _PASS),
    ("stream", _T.BOOLEAN, "both", _PASS, "the stream ends without a bare `data: [DONE]`"),
    ("stream_options", _T.OBJECT, "both", _PASS),
    ("suffix", _T.STRING, "a58", _NOWHERE, "only text completions have it"),
    ("temperature", _T.NUMBER, "both", _PASS),
    ("tool_choice", _T.STRING_OR_OBJECT, "both", _PASS),
    ("tools", _T.OBJECTS, "both", _PASS),
    ("tools[].cache_control", _T.OBJECT, "a58", _FOREIGN, "a field of Anthropic's own API, not of its compatible one"),
    ("top_k", _T.INTEGER, "both", _EXTENSION),
    ("top_logprobs", _T.INTEGER, "both", _PASS),
    ("top_p", _T.NUMBER, "both", _PASS),
    ("user", _T.STRING, "a58", _PASS),
)

_TEXT: tuple[_Row, ...] = (
    ("model", _T.STRING, "both", _OURS, _MODEL),
    ("prompt", _T.STRING_OR_STRINGS, "both", _PASS),
    ("audio", _T.OBJECT, "a58", _EXTENSION),
    ("best_of", _T.INTEGER, "both", _PASS),
    ("echo", _T.BOOLEAN, "v5", _PASS),
    ("frequency_penalty", _T.NUMBER, "both", _PASS),
    ("guided_choice", _T.STRINGS, "a58", _CONSTRAINT, _GUIDED.format("choice")),
    ("guided_grammar", _T.STRING, "a58", _CONSTRAINT, _GUIDED.format("grammar")),
    ("guided_json", _T.STRING_OR_OBJECT, "a58", _CONSTRAINT, _GUIDED.format("json")),
    ("guided_regex", _T.STRING, "a58", _CONSTRAINT, _GUIDED.format("regex")),
    ("include_stop_str_in_output", _T.BOOLEAN, "a58", _EXTENSION),
    ("inference_extra_headers", _T.OBJECT, "a58", _OURS, "as for chat"),
    ("inference_extra_params", _T.OBJECT, "a58", _OURS, "as for chat"),
    ("inference_timeout", _T.NUMBER_OR_STRING, "a58", _OURS, "as for chat"),
    ("logit_bias", _T.BIASES, "both", _PASS),
    ("logprobs", _T.BOOLEAN_OR_INTEGER, "both", _OURS, "`true` (a58) becomes `top_logprobs`, or 1; `false` is left out"),
    ("max_completion_tokens", _T.INTEGER, "a58", _OURS, "`max_tokens`, unless that was sent too"),
    ("max_new_tokens", _T.INTEGER, "a58", _OURS, "`max_tokens`, unless that was sent too"),
    ("max_tokens", _T.INTEGER, "both", _PASS),
    ("modalities", _T.STRINGS, "a58", _EXTENSION),
    ("n", _T.INTEGER, "both", _PASS),
    ("parallel_tool_calls", _T.BOOLEAN, "a58", _EXTENSION),
    ("prediction", _T.OBJECT, "a58", _EXTENSION),
    ("presence_penalty", _T.NUMBER, "both", _PASS),
    ("response_format", _T.OBJECT, "a58", _EXTENSION),
    ("return_token_log_probs", _T.BOOLEAN, "a58", _OURS, "`logprobs: 1`, unless that was sent too"),
    ("seed", _T.INTEGER, "both", _PASS),
    ("stop", _T.STRING_OR_STRINGS, "both", _PASS),
    ("stop_sequences", _T.STRINGS, "a58", _OURS, "`stop`, unless that was sent too"),
    ("stream", _T.BOOLEAN, "both", _PASS, "the stream ends without a bare `data: [DONE]`"),
    ("stream_options", _T.OBJECT, "both", _PASS),
    ("suffix", _T.STRING, "both", _PASS),
    ("temperature", _T.NUMBER, "both", _PASS),
    ("tool_choice", _T.STRING_OR_OBJECT, "a58", _EXTENSION),
    ("tools", _T.OBJECTS, "a58", _EXTENSION),
    ("top_k", _T.INTEGER, "a58", _EXTENSION),
    ("top_logprobs", _T.INTEGER, "a58", _OURS, "goes into `logprobs`"),
    ("top_p", _T.NUMBER, "both", _PASS),
    ("user", _T.STRING, "both", _PASS),
)

_RESPONSES: tuple[_Row, ...] = (
    ("model", _T.STRING, "v5", _OURS, _MODEL),
    ("input", _T.STRING_OR_OBJECTS, "v5", _PASS),
    ("include", _T.STRINGS, "v5", _PASS),
    ("instructions", _T.STRING, "v5", _PASS),
    ("max_output_tokens", _T.INTEGER, "v5", _PASS),
    ("metadata", _T.OBJECT, "v5", _PASS),
    ("parallel_tool_calls", _T.BOOLEAN, "v5", _PASS),
    ("previous_response_id", _T.STRING, "v5", _PASS),
    ("reasoning", _T.OBJECT, "v5", _PASS),
    ("store", _T.BOOLEAN, "v5", _PASS),
    ("stream", _T.BOOLEAN, "v5", _PASS, "its events have names, and pass as they come"),
    ("temperature", _T.NUMBER, "v5", _PASS),
    ("text", _T.OBJECT, "v5", _PASS),
    ("tool_choice", _T.STRING_OR_OBJECT, "v5", _PASS),
    ("tools", _T.OBJECTS, "v5", _PASS),
    ("top_p", _T.NUMBER, "v5", _PASS),
    ("truncation", _T.STRING, "v5", _PASS),
)

_REQUIRED = frozenset({"model", "messages", "prompt", "input"})


def _fields(dialect: Dialect, rows: tuple[_Row, ...]) -> Iterator[tuple[str, Field]]:
    for name, type_, schema, ways, *into in rows:
        yield name, Field(dialect, name, type_, schema, ways, "".join(into), required=name in _REQUIRED)


FIELDS: dict[Dialect, dict[str, Field]] = {
    dialect: dict(_fields(dialect, rows))
    for dialect, rows in ((Dialect.CHAT, _CHAT), (Dialect.TEXT, _TEXT), (Dialect.RESPONSES, _RESPONSES))
}


def row(dialect: Dialect, name: str) -> Field | None:
    """The row of a key of a request's body; none for a place inside a field, which is no key."""
    return None if "[]" in name else FIELDS[dialect].get(name)
