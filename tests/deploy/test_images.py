"""The Dockerfiles: sound by hadolint, multi-stage, nobody special at the end, and what they copy is there."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.requirements import requirements
from tests.deploy.compose import ROOT, services
from tracer.config import Settings, load

DOCKERFILE = (ROOT / "Dockerfile").read_text()
STAGES = re.split(r"^FROM ", DOCKERFILE.replace("\\\n", " "), flags=re.MULTILINE)[1:]
FINAL = STAGES[-1]


@pytest.mark.parametrize("path", ["Dockerfile", "deploy/collector/Dockerfile"])
def test_sound_by_hadolint(path: str) -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([hadolint, ROOT / path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not done.stdout


def test_the_last_stage_builds_nothing() -> None:
    assert len(STAGES) == 2
    assert not re.search(r"\bpip\b|\bapt-get\b|\bgcc\b|\bgit\b", FINAL)
    assert re.findall(r"^COPY (.*)$", FINAL, re.MULTILINE) == ["--from=build /opt/tracer /opt/tracer"]
    assert re.search(r"^ARG PYTHON_IMAGE=python:3\.\d+\.\d+-slim-\w+$", DOCKERFILE, re.MULTILINE)
    assert all(stage.startswith("${PYTHON_IMAGE}") for stage in STAGES)


def test_copies_what_is_there_and_what_dockerignore_lets_through() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert ignored[0] == "**"
    let_through = {line[1:] for line in ignored if line.startswith("!")}
    copied = {source for line in re.findall(r"^COPY (.*)$", STAGES[0], re.MULTILINE) for source in line.split()[:-1]}
    assert {source.removeprefix("./") for source in copied} == let_through
    assert all((ROOT / source).exists() for source in let_through)


def test_every_package_of_the_program_is_copied() -> None:
    named = re.search(r"^include = \[(.*)\]$", (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert named
    packages = {name.strip(' "*') for name in named[1].split(",")}
    assert packages <= {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines()}


def test_listens_on_the_default_ports_and_asks_there_for_its_health() -> None:
    ports = [str(Settings.model_fields[name].default) for name in ("port", "ui_port", "store_port")]
    exposed = re.search(r"^EXPOSE (.*)$", FINAL, re.MULTILINE)
    assert exposed
    assert exposed[1].split() == ports
    assert f"os.environ.get('TRACER_PORT', {ports[0]})" in FINAL


def test_its_environment_is_a_configuration() -> None:
    environ = dict(re.findall(r"\b(TRACER_\w+)=(\S+)", FINAL.partition("HEALTHCHECK")[0]))
    settings, warnings = load({**environ, "TRACER_CONFIG": "/dev/null"})
    assert warnings == []
    assert re.search(rf"^VOLUME {settings.data_dir}$", FINAL, re.MULTILINE)
    assert settings.host == "0.0.0.0"


def test_volumes_of_the_secrets_belong_to_who_writes_them() -> None:
    """A new volume takes over the owner of the directory below it: one that the image lacks would be root's."""
    made = set(re.findall(r"(/secrets/\w+)", FINAL))
    assert made == {str(volume).split(":")[1] for volume in services()["secrets"]["volumes"] if str(volume)[0] != "."}


def test_requirements_with_and_without_the_store() -> None:
    every = requirements(ROOT / "pyproject.toml", with_store=True)
    without = requirements(ROOT / "pyproject.toml", with_store=False)
    assert [line for line in every if line not in without] == ["chdb-core>=26.9"]
    assert "--without-store" in (ROOT / "docker-compose.yml").read_text()
    printed = subprocess.run(
        [sys.executable, "deploy/requirements.py", "--without-store"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert printed.stdout.splitlines() == without


def test_a_process_of_tracer_with_a_server_loads_no_engine(tmp_path: Path) -> None:
    """What the image without the store relies on."""
    script = (
        "import sys; sys.modules['chdb'] = None\n"
        "import tracer.cli, tracer.supervisor, tracer.worker, tracer.sink.main, tracer.store.client, exporters.clickhouse"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["make_secrets.py", "requirements.py"])
def test_scripts_need_the_standard_library_only(name: str) -> None:
    python = shutil.which("python3", path="/usr/bin:/usr/local/bin") or sys.executable
    done = subprocess.run(
        [python, "-I", "-S", ROOT / "deploy" / name, "/nonexistent"], capture_output=True, text=True, check=False
    )
    assert "ModuleNotFoundError" not in done.stderr
