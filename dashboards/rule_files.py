"""Alert rules as the files that Grafana's provisioning reads: YAML, because people change limits in it.

What Grafana does with `$` there depends on the place: in a query's model it stays as it is (so `$__timeFilter` has one `$`),
in data sources it begins an environment variable, in texts it depends on the version (alerts.py has none).
"""

import json
from functools import partial
from typing import Any

import yaml
from grafana_foundation_sdk.builders import expr, prometheus
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models.common import DataSourceRef

from dashboards.alerts import Group, Rule
from dashboards.boards import by_uid
from dashboards.building import number_of
from dashboards.clickhouse import PLUGIN, ClickHouseQuery, Format
from dashboards.statements import statement

FOLDER = "Tracer"
CLICKHOUSE_UID = "tracer-clickhouse"
PROMETHEUS_UID = "tracer-prometheus"
_EXPRESSIONS = "__expr__"  # Grafana's own "data source", which compares
_HEAD = """\
# Written by `python -m dashboards` from dashboards/alerts.py. To change a rule in this file alone, change `params` (the limit),
# `for` (how long it must be so) or `isPaused`; whom Grafana tells is up to its notification policies.
"""


def rule_file(group: Group) -> str:
    """The file with the rules of one group."""
    content = {
        "apiVersion": 1,
        "groups": [
            {
                "orgId": 1,
                "name": group.name,
                "folder": FOLDER,
                "interval": group.interval,
                "rules": [_rule(rule) for rule in group.rules],
            }
        ],
    }
    plain = json.loads(json.dumps(content, cls=JSONEncoder))
    dump = partial(yaml.dump, Dumper=_Readable, sort_keys=False, allow_unicode=True, width=120)
    return _HEAD + str(dump(plain))


def _rule(rule: Rule) -> dict[str, Any]:
    board = by_uid(rule.board)
    return {
        "uid": rule.uid,
        "title": rule.title,
        "condition": "B",
        "data": [_question(rule), _comparison(rule)],
        # No row means that nothing is wrong: queries leave out what is too little to judge.
        "noDataState": "OK",
        "execErrState": "Error",
        "for": rule.pending,
        "annotations": {"summary": rule.summary, "description": rule.description},
        "labels": {"severity": rule.severity, "source": "tracer"},
        "dashboardUid": board.uid,
        "panelId": number_of(board, rule.panel),
        "isPaused": False,
    }


def _question(rule: Rule) -> dict[str, Any]:
    uid = PROMETHEUS_UID if rule.metric else CLICKHOUSE_UID
    return {
        "refId": "A",
        "relativeTimeRange": {"from": rule.minutes * 60, "to": 0},
        "datasourceUid": uid,
        "model": _metric(rule.metric) if rule.metric else _sql(rule.sql),
    }


def _sql(name: str) -> Dataquery:
    return ClickHouseQuery(statement(name), Format.TABLE, source=DataSourceRef(PLUGIN, CLICKHOUSE_UID))


def _metric(expression: str) -> Dataquery:
    source = DataSourceRef("prometheus", PROMETHEUS_UID)
    return prometheus.Dataquery().ref_id("A").datasource(source).expr(expression).instant().build()


def _comparison(rule: Rule) -> dict[str, Any]:
    above = expr.ExprTypeThresholdConditionsEvaluator().type("gt").params([rule.limit])
    source = DataSourceRef(_EXPRESSIONS, _EXPRESSIONS)
    model = (
        expr.TypeThreshold()
        .ref_id("B")
        .datasource(source)
        .expression("A")
        .conditions([expr.ExprTypeThresholdConditions().evaluator(above)])
        .build()
    )
    return {"refId": "B", "datasourceUid": _EXPRESSIONS, "model": model}


class _Readable(yaml.SafeDumper):
    """YAML with texts of several lines as blocks."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Readable.add_representer(str, _text)
