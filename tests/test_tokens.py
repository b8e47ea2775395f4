from typing import Any

import pytest

from tracer.tokens import carries


def nested(depth: int) -> Any:
    value: Any = "text"
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize("value", ["a", " ", ["", "a"], {"text": "a"}, [{"thinking": [{"text": "a"}]}], nested(10)])
def test_text_is_found_at_any_sensible_depth(value: Any) -> None:
    assert carries(value)


@pytest.mark.parametrize("value", ["", None, 0, 7, True, [], {}, [""], {"text": ""}, {"type": "text", "id": "x", "index": 1}])
def test_frames_and_figures_are_no_text(value: Any) -> None:
    assert not carries(value)


def test_absurd_nesting_does_not_exhaust_the_stack() -> None:
    assert not carries(nested(100_000))
