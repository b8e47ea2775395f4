"""Errors of ours on this door have FastAPI's shapes."""

from tests.scale.doors import faults
from tracer.proxy.refused import Refused
from tracer.scale import errors
from tracer.scale.errors import Fault, unprocessable


def test_a_request_that_does_not_fit() -> None:
    refusal = unprocessable([Fault(("messages", 0, "role"), "Field required", "missing"), Fault((), "Not an object")])
    assert refusal.status == 422
    assert [fault["loc"] for fault in faults(refusal)] == [["body", "messages", 0, "role"], ["body"]]
    assert refusal.message == "messages.0.role: Field required; body: Not an object"
    assert errors.body(refusal) == refusal.body


def test_any_other_refusal_is_one_text() -> None:
    assert errors.body(Refused(413, "body_too_large", "too large")) == {"detail": "too large"}
    assert errors.failed("upstream is away") == {"detail": "upstream is away"}
