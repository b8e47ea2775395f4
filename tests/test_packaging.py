"""What an operator or a new contributor meets first: containers, pins, the Makefile."""

import re
import shlex
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from tracer.config import Settings, load

ROOT = Path(__file__).parents[1]


def named_settings(text: str) -> set[str]:
    """Every TRACER_ variable in a text, as a settings key."""
    return {name.lower() for name in re.findall(r"TRACER_([A-Z_]+)", text)}


@pytest.mark.parametrize("name", ["Dockerfile", "docker-compose.yml", "README.md"])
def test_every_variable_named_is_a_setting(name: str) -> None:
    named = named_settings((ROOT / name).read_text())
    assert named
    # `TRACER_UPSTREAM_<PROVIDER>` and its kind stand for many.
    free = ("upstream_", "key_")
    assert {key for key in named if not key.startswith(free)} <= {*Settings.model_fields, "config"}


def test_compose_environment_is_a_configuration_that_loads() -> None:
    compose: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    environ = {
        name: re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", value)
        for name, value in compose["services"]["tracer"]["environment"].items()
    }
    settings, warnings = load(environ)
    assert warnings == []
    assert settings.clickhouse is None
    assert not settings.otel.traces
    assert set(compose["volumes"]) == {
        volume.partition(":")[0] for service in compose["services"].values() for volume in service["volumes"]
    }
    assert compose["services"]["clickhouse"]["profiles"] == ["clickhouse"]


def test_compose_publishes_to_this_machine_only_and_what_the_image_listens_on() -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    published = compose["services"]["tracer"]["ports"]
    assert all(port.startswith("127.0.0.1:") for port in published)
    exposed = re.search(r"^EXPOSE (.*)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert exposed
    defaults = [str(Settings.model_fields[name].default) for name in ("port", "store_port")]
    assert exposed.group(1).split() == defaults == [port.rpartition(":")[2] for port in published]


def test_image_copies_what_is_there_and_runs_as_nobody_special() -> None:
    instructions = re.sub(r"\\\n", " ", (ROOT / "Dockerfile").read_text()).splitlines()
    for line in instructions:
        if line.startswith("COPY"):
            assert all((ROOT / source).exists() for source in shlex.split(line)[1:-1]), line
    users = [line.split()[1] for line in instructions if line.startswith("USER")]
    assert users == ["tracer"]
    assert any(line.startswith("HEALTHCHECK") for line in instructions)


def test_every_dependency_is_pinned_without_an_address() -> None:
    pins = (ROOT / "constraints.txt").read_text().splitlines()[1:]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9._+-]+", line) for line in pins)
    pinned = {line.partition("==")[0].lower().replace("_", "-") for line in pins}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *(d for extra in project["optional-dependencies"].values() for d in extra)]
    names = {re.split(r"[^A-Za-z0-9._-]", line)[0].lower().replace("_", "-") for line in wanted}
    assert names <= pinned


@pytest.mark.parametrize("script", [".ci/run", ".ci/bootstrap"])
def test_scripts_can_be_run(script: str) -> None:
    path = ROOT / script
    assert path.stat().st_mode & 0o111
    shell = path.read_text().splitlines()[0].rpartition("/")[2].split()[-1]
    assert subprocess.run([shell, "-n", str(path)], check=False).returncode == 0


def test_make_help_names_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert phony
    described = set(re.findall(r"^([a-z]+):.*## ", makefile, re.MULTILINE))
    assert described == set(phony.group(1).split())
