"""The variables of the boards: what can be chosen at their top, and how SQL narrows to it (`panels/shared/chosen.sql`).

Lists are made from the chosen time range, the most frequent first. Where a list is cut, a value can be typed in.
"""

from collections.abc import Callable
from typing import TypeAlias

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import dashboard as grafana

from dashboards.clickhouse import PLUGIN, SOURCE
from dashboards.drawing import PROMETHEUS
from dashboards.statements import statement

Variable: TypeAlias = Builder[grafana.VariableModel]
_ALL = grafana.VariableOption(text=["All"], value=["$__all"])


def variable(name: str) -> Variable:
    """The variable of that name; KeyError if there is none."""
    return _VARIABLES[name]()


def _source() -> Variable:
    return build.DatasourceVariable("ds").label("ClickHouse").type(PLUGIN).description("Where the calls are.")


def _prometheus() -> Variable:
    return (
        build.DatasourceVariable("prom")
        .label("Prometheus")
        .type("prometheus")
        .description("What scrapes /metrics of Tracer's proxy; without one, only the rows from SQL have data.")
    )


def _listed(name: str, label: str, description: str) -> build.QueryVariable:
    """Values that a query lists, any number of them at once."""
    sql = statement(f"variables/{name}")
    return (
        build.QueryVariable(name)
        .label(label)
        .description(description)
        .datasource(SOURCE)
        .query({"editorType": "sql", "rawSql": sql, "refId": name})
        .definition(sql)
        .refresh(grafana.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(grafana.VariableSort.DISABLED)
        .allow_custom_value(True)
    )


def _several(name: str, label: str, description: str) -> Variable:
    return _listed(name, label, description).multi(True).include_all(True).current(_ALL)


def _key() -> Variable:
    return _listed("key", "Metadata key", "Which of the callers' own tags to narrow or to break down by.")


def _typed(name: str, label: str, description: str, value: str = "") -> Variable:
    """Free text; empty does not narrow."""
    option = grafana.VariableOption(text=value, value=value)
    return build.TextBoxVariable(name).label(label).description(description).default_value(value).current(option)


def _targets() -> Variable:
    return (
        build.QueryVariable("instance")
        .label("Tracer")
        .description("Which Tracer, if Prometheus scrapes several.")
        .datasource(PROMETHEUS)
        .query({"query": "label_values(tracer_open_requests, instance)", "refId": "instance"})
        .definition("label_values(tracer_open_requests, instance)")
        .refresh(grafana.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .multi(True)
        .include_all(True)
        .all_value(".*")
        .current(_ALL)
    )


_VARIABLES: dict[str, Callable[[], Variable]] = {
    "ds": _source,
    "prom": _prometheus,
    "instance": _targets,
    "provider": lambda: _several("provider", "Provider", "Who was asked."),
    "model": lambda: _several("model", "Model", "The model that was asked for: calls that failed have no other."),
    "user": lambda: _several("user", "User", "End users, by how much they called; type one that is not listed."),
    "key": _key,
    "value": lambda: _several("value", "Metadata value", "Values of the chosen metadata key."),
    "outcome": lambda: _several("outcome", "Outcome", "How calls ended."),
    "search": lambda: _typed("search", "Search", "Part of a trace id, a span's name, a session or an error's words."),
    "slower": lambda: _typed("slower", "Slower than (ms)", "Only calls that took at least that long."),
    "trace": lambda: _typed("trace", "Trace", "A trace id, as sent or in OpenTelemetry's form."),
    "call": lambda: _typed("call", "Call", "One call of that trace; empty: all of them."),
    "stall": lambda: _typed("stall", "Stall (ms)", "A gap between tokens from which on it counts as a stall.", "2000"),
}
