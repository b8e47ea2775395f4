"""Types of fields: FastAPI's 422 for what does not fit, everything else exactly as it was sent."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.scale.doors import MESSAGES, faults, places
from tracer.proxy.refused import Refused
from tracer.scale.fields import FIELDS, Dialect, Type
from tracer.scale.validate import checked

WHOLE = {"model": "openai/gpt-4o", "messages": MESSAGES}


def refused(body: object, dialect: Dialect = Dialect.CHAT) -> Refused:
    with pytest.raises(Refused) as caught:
        checked(dialect, body)
    return caught.value


@pytest.mark.parametrize(
    ("body", "where", "type_"),
    [
        (None, "body", "model_attributes_type"),
        ([], "body", "model_attributes_type"),
        ("x", "body", "model_attributes_type"),
        ({"messages": MESSAGES}, "body.model", "missing"),
        ({"model": "openai/gpt-4o"}, "body.messages", "missing"),
        ({**WHOLE, "model": None}, "body.model", "string_type"),
        ({**WHOLE, "model": 5}, "body.model", "string_type"),
        ({**WHOLE, "messages": None}, "body.messages", "list_type"),
        ({**WHOLE, "messages": {}}, "body.messages", "list_type"),
        ({**WHOLE, "messages": [MESSAGES[0], "Hi"]}, "body.messages.1", "dict_type"),
        ({**WHOLE, "temperature": "warm"}, "body.temperature", "float_parsing"),
        ({**WHOLE, "temperature": "nan"}, "body.temperature", "finite_number"),
        ({**WHOLE, "n": 1.5}, "body.n", "int_from_float"),
        ({**WHOLE, "stream": "sometimes"}, "body.stream", "bool_parsing"),
        ({**WHOLE, "logit_bias": {"50256": "no"}}, "body.logit_bias", "int_type"),
        ({**WHOLE, "guided_choice": ["a", 1]}, "body.guided_choice.1", "string_type"),
        ({**WHOLE, "tools": [1]}, "body.tools.0", "dict_type"),
        ({**WHOLE, "memory_strategy": "last_k"}, "body.memory_strategy", "dict_type"),
        ({**WHOLE, "inference_extra_headers": []}, "body.inference_extra_headers", "dict_type"),
    ],
)
def test_what_does_not_fit_is_said_with_its_place(body: object, where: str, type_: str) -> None:
    refusal = refused(body)
    (fault,) = faults(refusal)
    assert places(refusal) == [where]
    assert fault["type"] == type_
    assert refusal.kind == "invalid_request"
    assert fault["msg"] in refusal.message


def test_all_fields_are_told_at_once_and_no_value_is_repeated() -> None:
    refusal = refused({"messages": "SECRET", "top_k": "SECRET", "stop": 7})
    assert places(refusal) == ["body.model", "body.messages", "body.top_k", "body.stop.str", "body.stop.list[str]"]
    assert "SECRET" not in str(refusal.body) + refusal.message


def test_an_answer_is_bounded_whatever_is_wrong() -> None:
    many = 100_000
    refusal = refused(
        {"model": 1, "messages": [0] * many, "tools": [0] * many, "logit_bias": {str(i): "x" for i in range(many)}}
    )
    assert len(faults(refusal)) == 4
    assert len(refusal.message) <= 1000


@pytest.mark.parametrize(
    ("name", "sent", "made"),
    [
        ("temperature", "0.5", 0.5),
        ("temperature", 1, 1),
        ("temperature", 0.0, 0.0),
        ("n", "2", 2),
        ("n", 2.0, 2.0),
        ("stream", "true", True),
        ("logit_bias", {"1": -100, "2": 5.0}, {"1": -100, "2": 5.0}),
        ("inference_timeout", "30", "30"),
        ("inference_timeout", 2.5, 2.5),
        (
            "response_format",
            {"type": "json_schema", "json_schema": {"name": "x"}},
            {"type": "json_schema", "json_schema": {"name": "x"}},
        ),
        ("tool_choice", "auto", "auto"),
        ("tool_choice", {"type": "function", "function": {"name": "f"}}, {"type": "function", "function": {"name": "f"}}),
        ("modalities", ["text", "hologram"], ["text", "hologram"]),
        ("temperature", None, None),
        ("memory_strategy", None, None),
        ("x_unknown", {"any": [1, None]}, {"any": [1, None]}),
        ("messages[].role", 1, 1),  # a row of the table, but no field: a key like any other
    ],
)
def test_what_fits_goes_on_as_it_came(name: str, sent: object, made: object) -> None:
    got = checked(Dialect.CHAT, {**WHOLE, name: sent})
    assert got[name] == made
    assert type(got[name]) is type(made)


def test_absent_is_not_null_and_order_is_kept() -> None:
    body = {"top_p": None, "messages": MESSAGES, "seed": 1, "model": "a/b"}
    got = checked(Dialect.CHAT, body)
    assert list(got) == list(body)
    assert got == body
    assert got["messages"] is MESSAGES  # not copied, not looked into


FITTING: dict[Type, st.SearchStrategy[Any]] = {
    Type.STRING: st.text(max_size=5),
    Type.INTEGER: st.integers(-(2**53), 2**53),
    Type.NUMBER: st.floats(allow_nan=False, allow_infinity=False) | st.integers(-100, 100),
    Type.BOOLEAN: st.booleans(),
    Type.OBJECT: st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
    Type.OBJECTS: st.lists(st.dictionaries(st.text(max_size=3), st.integers(), max_size=2), max_size=2),
    Type.STRINGS: st.lists(st.text(max_size=3), max_size=2),
    Type.STRING_OR_STRINGS: st.text(max_size=3) | st.lists(st.text(max_size=3), max_size=2),
    Type.STRING_OR_OBJECT: st.text(max_size=3) | st.just({"a": 1}),
    Type.STRING_OR_OBJECTS: st.text(max_size=3) | st.just([{"a": 1}]),
    Type.BOOLEAN_OR_INTEGER: st.booleans() | st.integers(0, 5),
    Type.NUMBER_OR_STRING: st.integers(1, 5) | st.text(max_size=3),
    Type.BIASES: st.dictionaries(st.text(max_size=3), st.integers(-100, 100), max_size=2),
    Type.ANY: st.none() | st.integers(),
}


def bodies(dialect: Dialect) -> st.SearchStrategy[dict[str, Any]]:
    fields = {name: FITTING[field.type] for name, field in FIELDS[dialect].items() if "[]" not in name}
    required = {name for name, field in FIELDS[dialect].items() if field.required}
    return st.fixed_dictionaries(
        {name: fields[name] for name in required}, optional={name: way for name, way in fields.items() if name not in required}
    )


@given(st.sampled_from(Dialect).flatmap(lambda dialect: st.tuples(st.just(dialect), bodies(dialect))))
def test_whatever_fits_comes_back_equal(case: tuple[Dialect, dict[str, Any]]) -> None:
    dialect, body = case
    assert checked(dialect, body) == body
