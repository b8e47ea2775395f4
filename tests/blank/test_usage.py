from typing import Any

import pytest

from tracer.blank.rules import GONE
from tracer.blank.usage import counts, usage
from tracer.dialects.flavour import Flavour
from tracer.dialects.flavours import FLAVOURS


def test_every_figure_that_a_flavour_reads_is_kept() -> None:
    paths = [
        (flavour.name, path)
        for flavour in FLAVOURS
        for field in Flavour.__struct_fields__
        for path in (getattr(flavour, field) if isinstance(getattr(flavour, field), tuple) else ())
        if isinstance(path, tuple) and all(isinstance(key, str) for key in path)
    ]
    assert len(paths) > 20
    for name, path in paths:
        raw: Any = 7
        for key in reversed(path):
            raw = {key: raw}
        assert usage(raw) == raw, (name, path)


@pytest.mark.parametrize(
    "raw",
    [
        {"input_tokens": 1, "cache_creation": {"ephemeral_1h_input_tokens": 2}, "service_tier": "standard"},
        {"promptTokenCount": 1, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 1}], "trafficType": "ON_DEMAND"},
        {"billed_units": {"input_tokens": 7}, "tokens": {"input_tokens": 69}},
        {"cost_in_usd_ticks": 5, "cost": {"total_cost": 0.5}, "num_search_queries": 2},
        {"inputTokenCount": 1, "invocationLatency": 2, "firstByteLatency": 3},
        {"iterations": [{"type": "advisor_message", "model": "claude-opus-4-8", "input_tokens": 3}]},
    ],
)
def test_what_providers_send_is_kept_whole(raw: dict[str, Any]) -> None:
    assert usage(raw) == raw


@pytest.mark.parametrize(
    "raw",
    [
        {"secret": 5},
        {"tokens_of_secret": 5},
        {"input_tokens": "secret"},
        {"input_tokens": ["secret"]},
        {"details": {"secret": 1}},
        {"type": "se cret"},
        {"model": ["secret"]},
        {"": 1},
        {"details": [{"secret": 5}]},
    ],
)
def test_nothing_else_is(raw: dict[str, Any]) -> None:
    assert "secret" not in str(usage(raw))


def test_figures_among_other_things() -> None:
    assert counts("prompt_eval_count", 3)
    assert not counts("prompt_eval_count", "3")
    assert not counts("salary", 3)
    assert counts("usage", {})
    assert not counts("input", {})


def test_what_is_no_object() -> None:
    assert usage(None) is None
    assert usage(7) == 7
    assert usage("secret") is GONE
    assert usage(["secret"]) is GONE
