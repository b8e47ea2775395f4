"""What an operator or a new contributor meets first: the README, pins, scripts, the Makefile. Containers: tests/deploy."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from tracer.config import Settings

ROOT = Path(__file__).parents[1]


def named_settings(text: str) -> set[str]:
    """Every TRACER_ variable in a text, as a settings key."""
    return {name.lower() for name in re.findall(r"TRACER_([A-Z_]+)", text)}


@pytest.mark.parametrize("name", ["Dockerfile", "docker-compose.yml", "deploy/env.example", "docs/docker.md", "README.md"])
def test_every_variable_named_is_a_setting(name: str) -> None:
    named = named_settings((ROOT / name).read_text())
    assert named
    # `TRACER_UPSTREAM_<PROVIDER>` and its kind stand for many; Grafana's are read by the files in dashboards/provisioning.
    free = ("upstream_", "key_", "grafana_")
    assert {key for key in named if not key.startswith(free)} <= {*Settings.model_fields, "config"}


def test_every_dependency_is_pinned_without_an_address() -> None:
    pins = (ROOT / "constraints.txt").read_text().splitlines()[1:]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9._+-]+", line) for line in pins)
    pinned = {line.partition("==")[0].lower().replace("_", "-") for line in pins}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *(d for extra in project["optional-dependencies"].values() for d in extra)]
    names = {re.split(r"[^A-Za-z0-9._-]", line)[0].lower().replace("_", "-") for line in wanted}
    assert names <= pinned


@pytest.mark.parametrize("script", [".ci/run", ".ci/bootstrap", ".ci/servers"])
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
