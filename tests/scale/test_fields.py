"""The table: every field of both schemas has its row, and every translation its function."""

import pytest

from tracer.scale.changes import CHANGES
from tracer.scale.fields import FIELDS, Dialect, Do, Kind

# The reference page of POST /v4/beta/chat/completions, which is scale-gp 0.1.0a56 to a58.
SEED = {
    *("model", "messages", "chat_template", "chat_template_kwargs", "guided_json", "guided_regex", "guided_choice"),
    *(
        "guided_grammar",
        "guided_decoding_backend",
        "guided_whitespace_pattern",
        "include_stop_str_in_output",
        "memory_strategy",
    ),
    *("stream", "stream_options", "stop", "frequency_penalty", "logit_bias", "logprobs", "top_logprobs", "max_tokens", "n"),
    *("presence_penalty", "seed", "suffix", "temperature", "top_p", "response_format", "user", "audio", "inference_timeout"),
    *(
        "max_completion_tokens",
        "modalities",
        "inference_extra_params",
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "best_of",
    ),
    *("inference_extra_headers", "prediction", "top_k"),
}
ADDED_IN_A59 = {"function_call", "functions", "metadata", "reasoning_effort", "store"}
GONE_IN_A59 = {
    *("best_of", "chat_template", "chat_template_kwargs", "guided_choice", "guided_decoding_backend", "guided_grammar"),
    *("guided_json", "guided_regex", "guided_whitespace_pattern", "include_stop_str_in_output", "inference_extra_headers"),
    *("inference_extra_params", "inference_timeout", "memory_strategy", "suffix", "user"),
}


def test_every_field_of_both_chat_schemas_has_a_row() -> None:
    rows = {name: field for name, field in FIELDS[Dialect.CHAT].items() if "[]" not in name}
    assert len(SEED) == 40
    assert set(rows) == SEED | ADDED_IN_A59
    assert {name for name, field in rows.items() if field.schema == "v5"} == ADDED_IN_A59
    assert {name for name, field in rows.items() if field.schema == "a58"} == GONE_IN_A59


@pytest.mark.parametrize("dialect", Dialect)
def test_translations_and_rows_that_ask_for_one_are_the_same(dialect: Dialect) -> None:
    fields, changes = FIELDS[dialect], CHANGES[dialect]
    asked = {name for name, field in fields.items() if Do.TRANSLATE in map(field.ways.of, Kind) and "[]" not in name}
    assert {name for name in changes if "[]" not in name} == asked
    assert set(changes) <= set(fields)
    # Places inside a field are changed with it, or have a change of their own.
    inside = {name.partition("[")[0] for name in fields if "[]" in name and name not in changes}
    assert inside <= set(changes)


@pytest.mark.parametrize("dialect", Dialect)
def test_only_what_a_call_cannot_do_without_is_required(dialect: Dialect) -> None:
    required = {name for name, field in FIELDS[dialect].items() if field.required}
    assert required == {"model", {"chat": "messages", "completions": "prompt", "responses": "input"}[dialect]}


def test_sgp_gets_everything() -> None:
    assert {field.ways.of(Kind.SGP) for fields in FIELDS.values() for field in fields.values()} == {Do.PASS}


def test_what_is_done_is_explained() -> None:
    """A reader of the table learns what a translation makes."""
    assert not [
        (field.dialect, name)
        for fields in FIELDS.values()
        for name, field in fields.items()
        if Do.TRANSLATE in map(field.ways.of, Kind) and not field.into
    ]
