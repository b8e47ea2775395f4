"""Grafana cannot be installed here: what the compose file gives it and what its provisioning files ask for must meet."""

import re
from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml

from deploy.make_secrets import main
from tests.deploy.compose import ROOT, mounts, services

GRAFANA: dict[str, Any] = services()["grafana"]
PROVISIONING = ROOT / "dashboards" / "provisioning"
PLACES = {source: place for source, place, _ in mounts(GRAFANA)}


def test_provisioning_is_mounted_where_grafana_looks() -> None:
    assert PLACES["./dashboards/provisioning"] == "/etc/grafana/provisioning"
    assert {path.name for path in PROVISIONING.iterdir() if path.is_dir()} <= {
        "datasources",
        "dashboards",
        "alerting",
        "plugins",
    }
    paths = {
        provider["options"]["path"]
        for file in (PROVISIONING / "dashboards").glob("*.yaml")
        for provider in yaml.safe_load(file.read_text())["providers"]
    }
    assert paths == {PLACES["./dashboards/json"]}


def test_every_variable_of_the_provisioning_is_set_and_none_for_nothing() -> None:
    asked = {
        name
        for file in (PROVISIONING / "datasources").glob("*.yaml")
        for name in re.findall(r"\$\{?(TRACER_GRAFANA_\w+)", file.read_text())
    }
    exported = set(re.findall(r"export (\w+)=", GRAFANA["entrypoint"][-1]))
    assert asked == exported | {name for name in GRAFANA["environment"] if name.startswith("TRACER_")}


def test_data_sources_lead_to_services_of_the_same_network() -> None:
    environment = GRAFANA["environment"]
    hosts = {environment["TRACER_GRAFANA_CLICKHOUSE_HOST"]: 8123, "prometheus": 9090}
    assert environment["TRACER_GRAFANA_PROMETHEUS_URL"] == "http://prometheus:9090"
    assert environment["TRACER_GRAFANA_CLICKHOUSE_PORT"] == str(hosts["clickhouse"])
    for host in hosts:
        assert set(services()[host]["networks"]) & set(GRAFANA["networks"])
    users = (ROOT / "deploy" / "clickhouse" / "users.xml").read_text()
    assert f"<{environment['TRACER_GRAFANA_CLICKHOUSE_USER']}>" in users


def test_every_plugin_that_is_no_part_of_grafana_is_installed_and_pinned() -> None:
    wanted = {
        source["type"]
        for file in (PROVISIONING / "datasources").glob("*.yaml")
        for source in yaml.safe_load(file.read_text())["datasources"]
    }
    assert re.fullmatch(r"[\w-]+@\d+\.\d+\.\d+", installed := GRAFANA["environment"]["GF_PLUGINS_PREINSTALL_SYNC"])
    assert wanted - {"prometheus"} == {installed.partition("@")[0]}
    # On a read-only root an update of a bundled plugin removes it.
    assert GRAFANA["environment"]["GF_PLUGINS_PREINSTALL_AUTO_UPDATE"] == "false"


def test_home_is_a_board() -> None:
    home = Path(GRAFANA["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    assert str(home.parent) == PLACES["./dashboards/json"]
    assert (ROOT / "dashboards" / "json" / home.name).exists()


def test_the_password_is_the_one_that_clickhouse_knows(tmp_path: Path) -> None:
    main(tmp_path)
    assert PLACES["secrets-grafana"] == "/secrets"
    command = GRAFANA["entrypoint"][-1]
    assert 'TRACER_GRAFANA_CLICKHOUSE_PASSWORD="$(cat /secrets/clickhouse)"' in command
    assert command.endswith("exec /run.sh")
    known = sha256((tmp_path / "grafana" / "clickhouse").read_bytes()).hexdigest()
    assert f"<grafana><password_sha256_hex>{known}<" in (tmp_path / "clickhouse" / "passwords.xml").read_text()
