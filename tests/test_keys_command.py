"""`tracer keys`: the secret once, everything else as often as one likes."""

from collections.abc import Callable
from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner, Result

from tracer import cli
from tracer.registry.key_format import is_key

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def invoke(*arguments: str, **environ: str) -> Result:
        return CliRunner().invoke(cli.app, ["keys", *arguments], env={"TRACER_DATA_DIR": str(tmp_path / "data"), **environ})

    return invoke


def test_the_secret_is_on_stdout_alone_and_shown_once(run: Run, tmp_path: Path) -> None:
    made = run("create", "--name", "search", "--tag", "team=search", "-t", "user=a=b", "--workspace", "team-a")
    assert made.exit_code == 0, made.output
    secret = made.stdout.strip()
    assert is_key(secret)
    assert "key_" in made.stderr
    assert secret not in made.stderr
    for shown in (run("list").output, run("list", "--format", "json").output):
        assert secret not in shown
    for file in (tmp_path / "data").iterdir():
        assert secret.encode() not in file.read_bytes()
        assert file.stat().st_mode & 0o077 == 0


def test_for_scripts(run: Run) -> None:
    made = orjson.loads(
        run(
            *("create", "--name", "n", "--provider", "openai", "--credential", "TEAM_A", "--admin", "--tag", "user=bot"),
            *("--format", "json"),
            TRACER_KEY_TEAM_A="sk-x",
        ).stdout
    )
    assert is_key(made["key"])
    assert (made["name"], set(made)) == ("n", {"id", "name", "key"})
    (listed,) = orjson.loads(run("list", "-f", "json").stdout)
    assert listed.pop("created_at").endswith("Z")
    assert listed == {
        "id": made["id"],
        "name": "n",
        "workspace": "",
        "provider": "openai",
        "credential": "team-a",
        "tags": {"user": "bot"},
        "admin": True,
        "revoked_at": "",
    }


def test_a_list_for_people_has_every_key_on_one_line_in_a_pipe(run: Run) -> None:
    assert (run("list").stdout, run("list").exit_code) == ("", 0)
    assert "no keys" in run("list").stderr
    for number in range(2):
        assert run("create", "--name", f"a rather long name {number}", "--tag", f"team={'x' * 100}").exit_code == 0
    head, *lines = run("list").stdout.splitlines()
    assert head.split()[:2] == ["id", "name"]
    assert len(lines) == 2
    assert all("a rather long name" in line and f"team={'x' * 100}" in line for line in lines)


def test_revoking(run: Run) -> None:
    id = orjson.loads(run("create", "--name", "n", "--format", "json").stdout)["id"]
    assert run("revoke", id).exit_code == 0
    assert run("revoke", id).exit_code == 0
    (listed,) = orjson.loads(run("list", "--format", "json").stdout)
    assert listed["revoked_at"]
    missing = run("revoke", "key_00000000")
    assert (missing.exit_code, missing.stdout) == (1, "")
    assert "no key with id 'key_00000000'" in missing.stderr


def test_wrong_wishes_are_code_2(run: Run) -> None:
    for arguments in (
        ["create"],
        ["create", "--name", ""],
        ["create", "--name", "n", "--credential", "team-a"],
        ["create", "--name", "n", "--tag", "team"],
        ["create", "--name", "n", "--provider", "a b"],
        ["list", "--format", "yaml"],
        ["revoke"],
    ):
        assert run(*arguments).exit_code == 2, arguments
    assert run("list").stdout == ""


def test_a_credential_that_is_not_there_yet_is_a_warning(run: Run) -> None:
    made = run("create", "--name", "n", "--provider", "openai", "--credential", "team-a")
    assert made.exit_code == 0
    assert "TRACER_KEY_TEAM_A is not set" in made.stderr
    assert (
        "warning"
        not in run("create", "--name", "n", "--provider", "openai", "--credential", "team-a", TRACER_KEY_TEAM_A="x").stderr
    )


def test_a_database_that_does_not_answer_is_code_1(run: Run) -> None:
    result = run("list", TRACER_DATABASE="postgresql://user:password@127.0.0.1:9/x")
    assert result.exit_code == 1
    assert "PostgreSQL" in result.stderr
    assert "password" not in result.output
    assert "Traceback" not in result.output
