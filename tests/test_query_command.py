"""`tracer query`: named questions with their options, the list, what is wrong said, exports."""

import io
import re
from collections.abc import Callable
from pathlib import Path

import orjson
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner, Result

from dashboards import queries
from exporters import clickhouse
from tests.store.running import RunningStore
from tests.store.samples import STARTED, call, full_call
from tracer import cli

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "160")

    def invoke(*arguments: str, **environ: str) -> Result:
        return CliRunner().invoke(cli.app, ["query", *arguments], env={"TRACER_DATA_DIR": str(tmp_path / "data"), **environ})

    return invoke


@pytest.fixture
def on_store(run: Run, empty_store: RunningStore) -> Run:
    exporter = clickhouse.open(empty_store.settings)
    mini = {
        "request_model": "gpt-4o-mini",
        "response_model": "gpt-4o-mini-2024-07-18",
        "user": "ada",
        "metadata": {"team": "a"},
    }
    exporter.export([call(1), call(2, **mini), call(3, **mini), full_call(4)], "asked")
    exporter.close()

    def invoke(*arguments: str) -> Result:
        return run(*arguments, **empty_store.environ)

    return invoke


def records(result: Result) -> list[dict[str, object]]:
    assert result.exit_code == 0, result.stderr
    return [orjson.loads(line) for line in result.stdout.splitlines()]


def test_a_question_with_its_defaults_and_options(on_store: Run) -> None:
    found = records(on_store("@cost-by-model", "--format", "JSONEachRow"))
    assert [row["model"] for row in found] == ["gpt-4o", "gpt-4o-mini"]
    only = records(on_store("@cost-by-model", "--model", "gpt-4o-mini-2024-07-18", "--format", "JSONEachRow"))
    assert [(row["model"], row["calls"]) for row in only] == [("gpt-4o-mini", 2)]
    assert records(on_store("@recent-calls", "--limit", "1", "--user", "ada", "-f", "JSONEachRow"))[0]["user"] == "ada"
    by_team = records(on_store("@cost-by-metadata", "--param", "key=team", "-f", "JSONEachRow"))
    assert {row["value"] for row in by_team} == {"", "a"}


def test_times_are_ages_dates_and_names(on_store: Run) -> None:
    day = f"{STARTED:%Y-%m-%d}"
    for options in (["--since", "24h"], ["--from", day, "--to", "now"], ["--since", f"{STARTED:%Y-%m-%dT%H:%M:%S}+00:00"]):
        assert len(records(on_store("@recent-calls", *options, "-f", "JSONEachRow"))) == 4, options
    assert records(on_store("@recent-calls", "--since", "2000-01-01", "--until", "2001-01-01", "-f", "JSONEachRow")) == []


def test_tab_separated_in_a_pipe(on_store: Run) -> None:
    found = on_store("@cost-by-provider")
    assert found.stdout.startswith("openai\t4\t")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["@cost-by-modle"], "did you mean cost-by-model"),
        (["@"], "there are: "),
        (
            ["@cost-by-model", "--user", "ada"],
            "@cost-by-model: there is no parameter 'user'; there are: model, provider, since, until",
        ),
        (["@cost-by-model", "--since", "soon"], "'soon' is no time: it should be an age"),
        (["@recent-calls", "--param", "limit="], "'limit' needs a value"),
        (["SELECT 1", "--since", "7d"], "--since: only named questions have that"),
        (["SELECT 1", "--param", "novalue"], "name=value"),
        ([], "@name of one of the questions that --list shows"),
        (["--list", "--format", "CSV"], "--format json"),
    ],
)
def test_what_is_wrong_is_said_and_is_code_2(run: Run, arguments: list[str], words: str) -> None:
    found = run(*arguments)
    assert (found.exit_code, found.stdout) == (2, "")
    assert words in found.stderr


def test_a_value_that_clickhouse_refuses_is_code_1(on_store: Run) -> None:
    found = on_store("@recent-calls", "--limit", "many")
    assert found.exit_code == 1
    assert "many" in found.stderr


def test_the_list_has_a_line_for_each(run: Run) -> None:
    found = run("--list")
    assert found.exit_code == 0
    assert re.findall(r"^\s*@(\S+)", found.stdout, re.MULTILINE) == list(queries.names())
    for form in ("json", "JSON"):
        listed = orjson.loads(run("--list", "--format", form).stdout)
        assert [each["name"] for each in listed] == list(queries.names())
        assert all(each["parameters"] and each["columns"] and each["sql"] and each["title"] for each in listed)


def test_a_question_tells_of_itself(run: Run) -> None:
    found = run("@stalls", "--help")
    assert found.exit_code == 0
    assert found.stdout == run("@stalls", "--describe").stdout
    question = queries.read("stalls")
    assert question.description in found.stdout
    for each in (*question.parameters, *question.columns):
        assert re.search(rf"^  {each.name} +{re.escape(each.type)}.* {re.escape(each.meaning)}$", found.stdout, re.MULTILINE)
    assert "Usage:" in run("--help").stdout
    assert orjson.loads(run("@stalls", "--describe", "-f", "json").stdout)["name"] == "stalls"


def test_parquet_holds_what_was_asked_for(on_store: Run) -> None:
    for sql, rows in (("SELECT * FROM llm.calls WHERE toYear(started_at) > 2000", 4), ("@cost-by-model", 2)):
        exported = on_store(sql, "--format", "Parquet")
        table = pq.read_table(io.BytesIO(exported.stdout_bytes))
        assert table.num_rows == rows
    assert {"call_id", "started_at", "metadata", "cost_usd"} <= set(
        pq.read_table(io.BytesIO(on_store("SELECT * FROM llm.calls", "-f", "Parquet").stdout_bytes)).column_names
    )


def test_sql_of_ones_own_may_begin_with_a_comment_or_a_name_of_a_mail(on_store: Run) -> None:
    assert on_store("-- how many\nSELECT count() FROM llm.calls").stdout == "4\n"
    assert on_store("SELECT {a:String} || '@b'", "--param", "a=x").stdout == "x@b\n"
