from decimal import Decimal
from typing import Any

import pytest

from tracer.sink.reported import reported_cost

REPORTED: list[tuple[dict[str, Any], str, str | None]] = [
    ({"cost_in_usd_ticks": 12_345_000}, "x-ai", "0.0012345"),
    ({"cost": {"total_cost": 0.006, "output_tokens_cost": 0.001}}, "perplexity-ai", "0.006"),
    ({"cost": {"total_cost": "0.006"}}, "perplexity-ai", None),
    ({"cost": 0}, "openrouter", "0"),
    ({"cost": 0.001, "is_byok": True, "cost_details": {"upstream_inference_cost": 0.02}}, "openrouter", "0.021"),
    ({"cost": 0.5}, "openai", None),  # of an unknown host: who knows in what
    ({"cost": True, "cost_details": {}}, "openrouter", None),
    ({"cost": -1, "cost_details": {}}, "openrouter", None),
    ({"cost": "0.1", "cost_details": {}}, "openrouter", None),
    ({"cost": 1e6, "cost_details": {}}, "openrouter", None),
    ({}, "openrouter", None),
]


@pytest.mark.parametrize(("raw", "provider", "total"), REPORTED)
def test_reported_costs(raw: dict[str, Any], provider: str, total: str | None) -> None:
    found = reported_cost(raw, provider)
    assert (found[0] if found else None) == (None if total is None else Decimal(total))
    if found and found[1] is not None and found[2] is not None:
        assert found[1] + found[2] == found[0]
