"""The board that reads Prometheus: every metric and label in it is one that Tracer has, and the expressions are PromQL."""

import re
from typing import Any

import promql_parser
import pytest
from prometheus_client import Histogram
from prometheus_client.metrics import MetricWrapperBase

from tests.dashboards.documents import BOARDS, RULES, panels, variables
from tracer import metrics

# What the exposition calls them, with the labels that each has there.
EXPOSED: dict[str, set[str]] = {}
for metric in vars(metrics).values():
    if isinstance(metric, MetricWrapperBase):
        labels = set(metric._labelnames)
        if isinstance(metric, Histogram):
            EXPOSED |= {f"{metric._name}_{part}": labels | {"le"} for part in ("bucket", "sum", "count")}
        else:
            EXPOSED[metric._name + ("_total" if metric._type == "counter" else "")] = labels

OF_PANELS = [
    (panel["title"], target["expr"], target["legendFormat"])
    for panel in panels(BOARDS["tracer-itself"])
    for target in panel["targets"]
    if "expr" in target
]
OF_RULES = [
    (rule["title"], rule["data"][0]["model"]["expr"], rule["annotations"]["summary"])
    for rule in RULES.values()
    if "expr" in rule["data"][0]["model"]
]
_OF_SCRAPING = {"instance", "job"}


def parsed(expression: str) -> Any:
    """As Prometheus reads it, with Grafana's durations filled in; raises ValueError."""
    filled = re.sub(r"\$__(rate_interval|range)\b", "5m", expression).replace("$instance", ".*")
    assert "$" not in filled
    return promql_parser.parse(filled)


@pytest.mark.parametrize(("title", "expression", "legend"), OF_PANELS + OF_RULES)
def test_asks_for_metrics_that_there_are(title: str, expression: str, legend: str) -> None:
    assert parsed(expression) is not None
    named = set(re.findall(r"\btracer_\w+", expression))
    assert named
    assert named <= set(EXPOSED)
    known = set().union(*(EXPOSED[name] for name in named))
    grouped = {label.strip() for by in re.findall(r"\bby \(([^)]*)\)", expression) for label in by.split(",")}
    assert grouped <= known
    selected = {label for chosen in re.findall(r"\{([^}]*)\}", expression) for label in re.findall(r"(\w+)\s*=", chosen)}
    assert selected <= known | _OF_SCRAPING
    shown = set(re.findall(r"\{\{(\w+)\}\}", legend)) | set(re.findall(r"\.Labels\.(\w+)", legend))
    assert shown <= grouped, "a label that the sum has lost"


def test_a_broken_expression_would_be_seen() -> None:
    with pytest.raises(ValueError, match="parenthesis"):
        parsed("sum by (exporter (tracer_spool_depth)")


def test_its_targets_come_from_a_metric_that_is_always_there() -> None:
    (name,) = re.findall(r"label_values\((\w+), instance\)", variables(BOARDS["tracer-itself"])["instance"]["query"]["query"])
    assert EXPOSED[name] == set(), "one with labels is there only once something happened"


def test_what_matters_is_on_it() -> None:
    text = " ".join(expression for _, expression, _ in OF_PANELS)
    for name in (
        "tracer_spool_depth",
        "tracer_lag_seconds",
        "tracer_dropped_records_total",
        "tracer_dead_letters_total",
        "tracer_export_failures_total",
        "tracer_exported_calls_total",
    ):
        assert name in text
