"""The provisioning files: rules, data sources and the provider of the boards."""

from typing import Any

import pytest
import yaml

from dashboards.rule_files import CLICKHOUSE_UID, FOLDER, PROMETHEUS_UID
from tests.dashboards.documents import BOARDS, ROOT, RULES, panels

PROVISIONING = ROOT / "provisioning"
SOURCES: dict[str, dict[str, Any]] = {
    source["uid"]: source
    for path in (PROVISIONING / "datasources").iterdir()
    for source in yaml.safe_load(path.read_text("utf-8"))["datasources"]
}


def test_rules_are_in_one_folder_and_go_to_nobody_in_particular() -> None:
    for path in (PROVISIONING / "alerting").iterdir():
        content = yaml.safe_load(path.read_text("utf-8"))
        assert set(content) == {"apiVersion", "groups"}, "contact points and policies are the operator's"
        assert {group["folder"] for group in content["groups"]} == {FOLDER}
        assert "notification_settings" not in path.read_text("utf-8")


def test_the_rules_that_were_promised() -> None:
    assert set(RULES) == {
        "tracer-cost-spike",
        "tracer-error-rate",
        "tracer-first-token",
        "tracer-spool-lag",
        "tracer-fingerprint",
        "tracer-unpriced",
        "tracer-lost-records",
    }
    assert all(len(uid) <= 40 for uid in RULES)


@pytest.mark.parametrize("uid", RULES)
def test_a_rule_compares_one_query_with_one_limit(uid: str) -> None:
    rule = RULES[uid]
    question, comparison = rule["data"]
    assert (question["refId"], comparison["refId"], rule["condition"]) == ("A", "B", "B")
    assert question["relativeTimeRange"]["to"] == 0 < question["relativeTimeRange"]["from"]
    assert question["datasourceUid"] == question["model"]["datasource"]["uid"] in SOURCES
    assert SOURCES[question["datasourceUid"]]["type"] == question["model"]["datasource"]["type"]
    assert comparison["datasourceUid"] == "__expr__"
    assert (comparison["model"]["type"], comparison["model"]["expression"]) == ("threshold", "A")
    (condition,) = comparison["model"]["conditions"]
    assert condition["evaluator"]["type"] == "gt"
    assert len(condition["evaluator"]["params"]) == 1
    assert (rule["noDataState"], rule["execErrState"]) == ("OK", "Error")


@pytest.mark.parametrize("uid", RULES)
def test_a_rule_points_at_a_panel_that_is_there(uid: str) -> None:
    rule = RULES[uid]
    assert rule["panelId"] in [panel["id"] for panel in panels(BOARDS[rule["dashboardUid"]])]


@pytest.mark.parametrize("uid", RULES)
def test_texts_have_no_dollar(uid: str) -> None:
    """It would be an environment variable in some versions of Grafana and `$$` in others."""
    rule = RULES[uid]
    assert "$" not in "".join([rule["title"], *rule["annotations"].values(), *rule["labels"].values()])
    assert rule["annotations"]["description"].endswith(".")
    assert rule["labels"]["severity"] in ("info", "warning", "critical")


def test_sources_take_what_differs_from_the_environment() -> None:
    assert set(SOURCES) == {CLICKHOUSE_UID, PROMETHEUS_UID}
    clickhouse = SOURCES[CLICKHOUSE_UID]
    assert clickhouse["jsonData"]["protocol"] == "http"
    assert clickhouse["secureJsonData"] == {"password": "$TRACER_GRAFANA_CLICKHOUSE_PASSWORD"}
    for name in ("host", "port", "username"):
        assert clickhouse["jsonData"][name].startswith("$TRACER_GRAFANA_CLICKHOUSE_")
    assert SOURCES[PROMETHEUS_UID]["url"] == "$TRACER_GRAFANA_PROMETHEUS_URL"


def test_the_provider_reads_json() -> None:
    (path,) = (PROVISIONING / "dashboards").iterdir()
    (provider,) = yaml.safe_load(path.read_text("utf-8"))["providers"]
    assert (provider["type"], provider["folder"]) == ("file", FOLDER)
    assert provider["options"]["path"] == "/var/lib/grafana/dashboards/tracer"
