from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tests.registry.test_folder import GREETING
from tracer import cli
from tracer.config import ConfigError, Settings


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TRACER_DATA_DIR", str(tmp_path / "data"))
    (tmp_path / "prompts").mkdir()
    (tmp_path / "prompts" / "greeting.toml").write_text(GREETING)
    return lambda *arguments: CliRunner().invoke(cli.app, ["prompts", *arguments])


def test_push_list_and_pull(run: Callable[..., Result], tmp_path: Path) -> None:
    done = run("push", "prompts", "--dry-run")
    assert done.exit_code == 0
    assert "greeting: created, version 1 published" in done.stdout
    assert "nothing was done" in done.stderr
    assert run("push", "prompts").stdout == done.stdout
    assert "nothing to do" in run("push", "prompts").stderr
    header, row = run("list").stdout.splitlines()
    assert header.split() == ["slug", "name", "workspace", "model", "published", "newest", "labels"]
    assert row.split() == ["greeting", "Greeting", "m", "1", "1", "qa=1", "staging=1"]
    assert run("pull", "elsewhere").stdout.split() == ["elsewhere/greeting.toml"]
    assert "nothing to do" in run("pull", "elsewhere").stderr


def test_names_are_not_markup(run: Callable[..., Result], tmp_path: Path) -> None:
    (tmp_path / "prompts" / "odd.toml").write_text('name = "[red]x[/nothing]"\ntemplate = "x"')
    run("push", "prompts")
    assert "[red]x[/nothing]" in run("list").stdout


def test_mistakes(run: Callable[..., Result], tmp_path: Path) -> None:
    (tmp_path / "prompts" / "wrong.toml").write_text("template = 'x'\nlables = []\n")
    done = run("push", "prompts")
    assert done.exit_code == 1
    assert done.stderr == "tracer: prompts/wrong.toml:2: unknown key `lables`; did you mean `labels`?\n"
    assert run("push", "nowhere").exit_code == 1


def test_postgresql(run: Callable[..., Result], postgresql_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TRACER_DATABASE", postgresql_url)
    assert "created" in run("push", "prompts", "--workspace", "team").stdout
    assert "team" in run("list").stdout
    assert not (tmp_path / "data" / "registry.sqlite").exists()


def test_a_database_that_is_away(
    run: Callable[..., Result], free_port: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRACER_DATABASE", f"postgresql://me:hunter2@127.0.0.1:{free_port()}/x")
    done = run("push", "prompts")
    assert done.exit_code == 1
    assert done.stderr.startswith("tracer: PostgreSQL: ")
    assert "hunter2" not in done.output


def test_the_database_is_shown_without_its_password(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TRACER_DATABASE", "postgresql://me:hunter2@db/x")
    done = CliRunner().invoke(cli.app, ["config"])
    assert "postgresql://***@db/x" in done.stdout
    assert "hunter2" not in done.output


def test_another_kind_of_database_is_refused(load_settings: Callable[..., Settings]) -> None:
    with pytest.raises(ConfigError, match="TRACER_DATABASE") as raised:
        load_settings(TRACER_DATABASE="mysql://me:hunter2@db/x")
    assert "hunter2" not in str(raised.value)
    assert load_settings(TRACER_DATABASE="").database is None
