"""docker-compose.yml: valid, closed in itself, and as tight as it says."""

import re
import subprocess
import sys
from typing import Any

import chdb
import pytest

from tests.deploy.compose import FILE, ROOT, compose, mounts, services, variables
from tracer import supervisor
from tracer.config import Settings, load

SERVICES = services()
EVERY = sorted(SERVICES)
RUNNING = sorted(set(EVERY) - {"secrets"})
TRACER: dict[str, Any] = SERVICES["tracer"]


def test_is_valid_by_the_specification() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(FILE)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_has_what_the_product_needs() -> None:
    assert {"tracer", "clickhouse", "collector", "prometheus", "grafana", "redis", "postgres"} == set(RUNNING)
    # `docker compose up` is the whole instruction: nothing waits to be named.
    assert not any("profiles" in service for service in SERVICES.values())


@pytest.mark.parametrize("name", EVERY)
def test_every_service_is_contained(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert "privileged" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["logging"]["options"].keys() == {"max-size", "max-file"}
    assert service["deploy"]["resources"]["limits"].keys() == {"cpus", "memory", "pids"}
    # More CPUs than a machine has and Docker refuses to start the container.
    assert float(service["deploy"]["resources"]["limits"]["cpus"]) <= 2
    assert "docker.sock" not in str(service)


@pytest.mark.parametrize("name", EVERY)
def test_no_service_runs_as_root(name: str) -> None:
    service = SERVICES[name]
    if service["image"] == "llm-tracer:compose":
        user = re.findall(r"^USER (.+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)[-1]
    else:
        user = service["user"]
    assert re.fullmatch(r"[1-9]\d*:\d+", user)


@pytest.mark.parametrize("name", EVERY)
def test_images_are_pinned(name: str) -> None:
    service = SERVICES[name]
    image, _, tag = service["image"].rpartition(":")
    if image.startswith("llm-tracer"):
        assert "build" in service or service["pull_policy"] == "never"
    else:
        assert re.fullmatch(r"v?\d+\.\d+(\.\d+)*(-\w+)?", tag)


def test_clickhouse_is_the_release_that_the_tests_run_on() -> None:
    release = SERVICES["clickhouse"]["image"].rpartition(":")[2]
    assert str(chdb.connect(":memory:").query("SELECT version()", "TSV").data()).startswith(f"{release}.")


@pytest.mark.parametrize("name", RUNNING)
def test_every_service_says_how_it_is(name: str) -> None:
    service = SERVICES[name]
    if service.get("build"):
        build = service["build"]
        folder = ROOT / (build if isinstance(build, str) else build["context"])
        assert re.search(r"^HEALTHCHECK .*CMD ", (folder / "Dockerfile").read_text().replace("\\\n", ""), re.MULTILINE)
    else:
        assert service["healthcheck"]["test"][0] == "CMD"
    assert service["restart"] == "unless-stopped"


def test_conditions_can_be_met() -> None:
    for name, service in SERVICES.items():
        for other, need in service.get("depends_on", {}).items():
            if need["condition"] == "service_completed_successfully":
                assert SERVICES[other]["restart"] == "no", f"{name} waits for the end of {other}"
            else:
                assert other in RUNNING
    # Who mounts secrets starts after they were made.
    for name in RUNNING:
        if any(source.startswith("secrets-") for source, *_ in mounts(SERVICES[name])):
            assert SERVICES[name]["depends_on"]["secrets"] == {"condition": "service_completed_successfully"}


@pytest.mark.parametrize("name", EVERY)
def test_what_is_mounted_is_there_and_cannot_be_written(name: str) -> None:
    for source, _, mode in mounts(SERVICES[name]):
        if source.startswith("."):
            assert (ROOT / source).exists(), source
            assert mode == "ro", source


def test_volumes_are_declared_and_used() -> None:
    used = {source for service in SERVICES.values() for source, *_ in mounts(service) if not source.startswith(".")}
    assert used == set(compose()["volumes"])


def test_each_service_sees_its_own_secrets_only() -> None:
    seen = {name: {source for source, *_ in mounts(SERVICES[name]) if source.startswith("secrets")} for name in RUNNING}
    assert {name: held for name, held in seen.items() if held} == {
        name: {f"secrets-{name}"} for name in ("tracer", "clickhouse", "postgres", "redis", "grafana")
    }
    assert all(mode == "ro" for name in RUNNING for source, _, mode in mounts(SERVICES[name]) if source.startswith("secrets"))
    assert SERVICES["secrets"]["network_mode"] == "none"


def test_networks() -> None:
    networks = compose()["networks"]
    assert networks["inside"]["internal"] is True
    for name in RUNNING:
        assert set(SERVICES[name]["networks"]) <= set(networks)
        # A port of a service that is on an internal network only is not published.
        assert "ports" not in SERVICES[name] or "outside" in SERVICES[name]["networks"]
    assert {name for name in RUNNING if SERVICES[name]["networks"] == ["inside"]} == {"postgres", "redis", "prometheus"}


def test_published_to_this_machine_only_on_the_ports_of_the_docs() -> None:
    published = {port for service in SERVICES.values() for port in service.get("ports", ())}
    default = {name: Settings.model_fields[name].default for name in ("port", "ui_port", "store_port")}
    assert published == {
        f"127.0.0.1:{default['port']}:{default['port']}",
        f"127.0.0.1:{default['ui_port']}:{default['ui_port']}",
        f"127.0.0.1:{default['store_port']}:8123",
        "127.0.0.1:3000:3000",
    }
    head = FILE.read_text().partition("name: tracer")[0]
    assert set(re.findall(r"http://127\.0\.0\.1:(\d+) ", head)) == {port.split(":")[1] for port in published}


def test_environment_of_tracer_is_a_configuration_that_loads() -> None:
    settings, warnings = load({**TRACER["environment"], "TRACER_CONFIG": "/dev/null"})
    assert warnings == []
    assert settings.otel.traces
    assert settings.otel.metrics
    assert settings.data_dir.as_posix() in {place for _, place, _ in mounts(TRACER)}
    assert TRACER["environment"]["TRACER_CONFIG"] == "/secrets/tracer.toml"
    # Longer than what `tracer up` itself waits, or Docker kills it before the spool is drained.
    waits = settings.shutdown_grace + supervisor.MARGIN_SECONDS + supervisor.UI_SECONDS + supervisor.SINK_SECONDS
    assert int(TRACER["stop_grace_period"].removesuffix("s")) > waits


def test_no_variable_of_the_operator_is_swallowed() -> None:
    """A port inside a container stays what the health check and the others believe, whatever .env says."""
    assert TRACER["env_file"] == [{"path": ".env", "required": False}]
    environ = {"TRACER_PORT": "9999", "TRACER_UI_PORT": "9998", "TRACER_HOST": "127.0.0.1", "TRACER_CAPTURE": "metadata"}
    settings, _ = load({**environ, **TRACER["environment"], "TRACER_CONFIG": "/dev/null"})
    assert (settings.port, settings.ui_port, settings.host, settings.capture) == (8787, 8788, "0.0.0.0", "metadata")


def test_example_of_the_environment_file() -> None:
    text = (ROOT / "deploy" / "env.example").read_text()
    assert not re.search(r"^[^#\n]", text, re.MULTILINE), "copied as it is, it changes nothing"
    shown = dict(re.findall(r"^#([A-Z][A-Z0-9_]+)=(.*)$", text, re.MULTILINE))
    ours = {name: value for name, value in shown.items() if name.startswith("TRACER_")}
    _, warnings = load({**ours, "TRACER_CONFIG": "/dev/null"})
    assert warnings == []
    for name, default in variables().items():
        assert shown[name] == default, name
    for name in set(shown) - set(ours) - set(variables()):
        assert name.startswith("OTEL_")
    for name, value in ours.items():
        field = Settings.model_fields.get(name.removeprefix("TRACER_").lower())
        if field is not None and field.default is not None:
            assert value == str(field.default), name


def test_no_secret_in_a_file() -> None:
    for path in [FILE, *(ROOT / "deploy").rglob("*")]:
        if path.is_dir() or path.suffix == ".pyc":
            continue
        text = path.read_text()
        assert set(re.findall(r"://([^/\s:{@]+:[^/\s{@]+)@", text)) <= {"user:password"}, path
        assert "<password>" not in text
        assert not re.search(r"\b[0-9a-fA-F]{24,}\b", text), path
    for name, service in SERVICES.items():
        for variable, value in service.get("environment", {}).items():
            if re.search("PASSWORD|SECRET|TOKEN|KEY", variable):
                assert variable.endswith("_FILE"), f"{name}: {variable}"
                assert value.startswith("/secrets/")
