"""The command line: exit codes for scripts, clear words for people."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import orjson
import pytest
from typer.testing import CliRunner, Result

from exporters import clickhouse
from tests.store.running import RunningStore
from tests.store.samples import call
from tests.up import environment, tracer
from tracer import __version__, cli

COMMANDS = ["up", "query", "trace", "schema", "doctor", "config"]
Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def invoke(*arguments: str, **environ: str) -> Result:
        return CliRunner().invoke(cli.app, arguments, env={"TRACER_DATA_DIR": str(tmp_path / "data"), **environ})

    return invoke


@pytest.fixture
def on_store(run: Run, empty_store: RunningStore) -> Run:
    """Commands against a running store with two calls of one trace in it."""
    samples = [
        msgspec.structs.replace(
            call(number),
            trace_id="trace-1",
            otel_trace_id="a" * 32,
            span_id=span_id,
            parent_span_id=parent_id,
            otel_span_id=span_id * 16,
            otel_parent_span_id=parent_id * 16,
            span_name=name,
        )
        for number, span_id, parent_id, name in ((1, "a", "", "outer"), (2, "b", "a", "inner"))
    ]
    exporter = clickhouse.open(empty_store.settings)
    exporter.export(samples, "token-1")
    exporter.close()

    def invoke(*arguments: str, **environ: str) -> Result:
        return run(*arguments, **{**empty_store.environ, **environ})

    return invoke


def test_version_and_help(run: Run) -> None:
    assert run("--version").stdout == f"tracer {__version__}\n"
    shown = run("--help")
    assert shown.exit_code == 0
    assert all(f"\n  {command}" in shown.stdout for command in COMMANDS)
    for command in COMMANDS:
        assert run(command, "--help").exit_code == 0


def test_wrong_options(run: Run) -> None:
    for arguments in (
        ["nonesuch"],
        ["query"],
        ["trace"],
        ["schema", "--nonesuch"],
        ["query", "SELECT 1", "--param", "novalue"],
    ):
        assert run(*arguments).exit_code == 2, arguments


def test_wrong_settings_are_code_2_everywhere(run: Run) -> None:
    for arguments in (["up"], ["query", "SELECT 1"], ["trace", "x"], ["schema"], ["doctor"], ["config"]):
        result = run(*arguments, TRACER_PORT="x")
        assert result.exit_code == 2, arguments
        assert result.stderr.startswith("tracer: TRACER_PORT")
        assert result.stdout == ""


def test_an_unknown_variable_is_a_warning(run: Run) -> None:
    result = run("config", TRACER_PROT="1")
    assert result.exit_code == 0
    assert "did you mean `TRACER_PORT`?" in result.stderr
    orjson.loads(result.stdout)


def test_config_shows_what_is_in_force_and_no_secret(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("workers = 3")
    result = run(
        "config",
        "--config",
        "mine.toml",
        TRACER_PORT="4444",
        TRACER_KEY_OPENAI="sk-hidden",
        TRACER_CLICKHOUSE="http://u:hidden@h/",
    )
    shown = orjson.loads(result.stdout)
    assert (shown["workers"], shown["port"], shown["clickhouse"]) == (3, 4444, "http://***@h/")
    assert "hidden" not in result.output
    assert run("config", "--config", "missing.toml").exit_code == 2


def test_query(on_store: Run) -> None:
    assert on_store("query", "SELECT span_name FROM llm.calls ORDER BY call_id").stdout == "outer\ninner\n"
    assert on_store("query", "SELECT 1 AS a", "--format", "JSONEachRow").stdout == '{"a":1}\n'
    assert on_store("query", "SELECT {a:UInt8} + 1", "-p", "a=41").stdout == "42\n"
    assert on_store("query", "-- a comment\nSELECT 7").stdout == "7\n"
    assert on_store("query", "SELECT 'ü' FORMAT CSV").stdout == '"ü"\n'


def test_a_failed_query_is_code_1(on_store: Run) -> None:
    result = on_store("query", "SELECT nonesuch FROM llm.calls")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "nonesuch" in result.stderr
    assert "Traceback" not in result.output
    assert on_store("query", "DROP TABLE llm.calls").exit_code == 1
    assert on_store("query", "SELECT count() FROM llm.calls").stdout == "2\n"


def test_trace(on_store: Run) -> None:
    for name in ("trace-1", "a" * 32):
        result = on_store("trace", name)
        assert result.exit_code == 0, result.output
        assert result.stdout.index("outer") < result.stdout.index("inner")
        # Costs stand last in their lines, which are longer than the 80 columns that Rich takes for the width of a pipe.
        assert all("$" in line for line in result.stdout.splitlines())
    result = on_store("trace", "nonesuch")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "no call with trace id 'nonesuch'" in result.stderr


def test_doctor(on_store: Run) -> None:
    result = on_store("doctor", TRACER_UPSTREAM="http://127.0.0.1:9/v1")
    assert result.exit_code == 1  # nobody listens on port 9
    assert "ok  embedded store: 2 calls stored\n" in result.stdout
    assert "no  default upstream: openai at http://127.0.0.1:9/v1 cannot be reached" in result.stdout


def test_schema(run: Run) -> None:
    plain = run("schema")
    assert plain.exit_code == 0
    assert "CREATE TABLE IF NOT EXISTS llm.calls" in plain.stdout
    assert "CREATE VIEW" in plain.stdout.upper().replace("OR REPLACE ", "").replace("IF NOT EXISTS ", "")
    cluster = run("schema", "--cluster", "main")
    assert "ON CLUSTER" in cluster.stdout
    assert "main" in cluster.stdout
    assert "Replicated" in cluster.stdout


@pytest.mark.slow
def test_query_while_nothing_runs(tmp_path: Path, free_port: Callable[[], int]) -> None:
    environ = {"TRACER_DATA_DIR": str(tmp_path / "data"), "TRACER_STORE_PORT": str(free_port())}
    result = tracer("query", "SELECT 1", environ=environ, cwd=tmp_path)
    assert "Traceback" not in result.stderr
    with RunningStore(tmp_path / "data", port=int(environ["TRACER_STORE_PORT"])):
        pass
    result = tracer("query", "SELECT count() FROM llm.calls", environ=environ, cwd=tmp_path)
    assert (result.stdout, result.returncode) == ("0\n", 0), result.stderr


def test_a_reader_that_stops_early_is_no_traceback(store: RunningStore, tmp_path: Path) -> None:
    """`tracer query … | head -1`"""
    query = subprocess.Popen(
        [sys.executable, "-m", "tracer", "query", "SELECT number FROM numbers(3000000)"],
        env=environment(store.environ),
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert query.stdout
    assert query.stderr
    assert query.stdout.readline() == b"0\n"
    query.stdout.close()
    said = query.stderr.read().decode()
    query.stderr.close()
    assert query.wait(30) == 1
    assert "Traceback" not in said
    assert "BrokenPipe" not in said
