from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer.sink.errors import error_in, error_of, error_reply

ERRORS: list[tuple[dict[str, Any], tuple[str, str]]] = [
    (
        {"error": {"message": "m", "type": "invalid_request_error", "param": "p", "code": "context_length_exceeded"}},
        ("context_length_exceeded", "m"),
    ),
    ({"error": {"message": "m", "type": "server_error", "code": None}}, ("server_error", "m")),
    ({"error": {"message": "m", "code": 400}}, ("400", "m")),
    ({"error": {"message": "m", "type": "auth", "code": "401"}}, ("auth", "m")),
    ({"error": "plain words"}, ("", "plain words")),
    ({"detail": "Not Found"}, ("", "Not Found")),
    ({"detail": [{"loc": ["body"], "msg": "missing", "type": "v"}, {"msg": "bad"}]}, ("", "missing; bad")),
    ({"message": "The security token is invalid"}, ("", "The security token is invalid")),
    ({"object": "error", "message": "m", "type": "BadRequestError", "code": 400}, ("BadRequestError", "m")),
    ({"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}, ("overloaded_error", "busy")),
    ({"error": {"code": 429, "message": "m", "status": "RESOURCE_EXHAUSTED"}}, ("RESOURCE_EXHAUSTED", "m")),
    ({"error": "Input is too long", "error_type": "validation"}, ("", "Input is too long")),
    ({"message": "m", "__type": "com.amazon.coral#ThrottlingException"}, ("ThrottlingException", "m")),
    (
        {"throttlingException": {"message": "m"}, "error": {"type": "throttlingException", "message": "m"}},
        ("throttlingException", "m"),
    ),
    ({"Message": "User is not authorized"}, ("", "User is not authorized")),
    ({"error": {"message": "z" * 9999}}, ("", "z" * 4096)),
    ({}, ("", "")),
]


@pytest.mark.parametrize(("body", "expected"), ERRORS)
def test_errors_in_every_dialect(body: dict[str, Any], expected: tuple[str, str]) -> None:
    assert error_reply(body) == expected


def test_no_error_is_none() -> None:
    for body in ({"error": None}, {"error": {}}, {"error": {"code": None, "message": None}}, {"error": ""}, {"id": "x"}):
        assert error_in(body) is None


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-9, 2000), st.sampled_from(["", "x", "error", "12"])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["error", "type", "code", "status", "message", "detail", "msg", "object", "__type"]),
            inner,
            max_size=6,
        ),
    ),
    max_leaves=20,
)


@given(JSON)
def test_no_json_makes_it_raise(document: Any) -> None:
    error_of(document)
    if isinstance(document, dict):
        error_in(document)
        kind, message = error_reply(document)
        assert isinstance(kind, str)
        assert isinstance(message, str)
