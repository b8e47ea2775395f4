"""A reader gets at nothing outside the engine: every way that was found, tried on the real engine with canary files."""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer.store import readonly
from tracer.store.engine import Engine
from tracer.store.errors import QueryFailed

CANARY = "CANARY-4711"
MEMORY = 512 << 20

READS = [
    "SELECT file('{canary}')",
    "SELECT \"file\"('{canary}')",
    "SELECT `fi\\x6ce`('{canary}')",
    "SELECT /* x */ file /* y */ ('{canary}')",
    "SELECT arrayMap(file, ['{canary}'])",
    "SELECT arrayMap(x -> file(x), ['{canary}'])",
    "SELECT arrayMap({{f:Identifier}}, ['{canary}'])",
    "SELECT * APPLY(file) FROM (SELECT '{canary}')",
    "SELECT * APPLY(x -> file(x)) FROM (SELECT '{canary}')",
    "SELECT * REPLACE(file('{canary}') AS dummy) FROM system.one",
    "WITH file('{canary}') AS x SELECT x",
    "SELECT 1 WHERE file('{canary}') != ''",
    "SELECT number FROM numbers(3) LIMIT length(file('{canary}'))",
    "SELECT number FROM numbers(3) ORDER BY number WITH FILL FROM length(file('{canary}')) TO 30",
    "SELECT * FROM file('{canary}')",
    "SELECT * FROM file('{canary}', 'CSV', 'a String')",
    "SELECT * FROM `{canary}`",
    "SELECT * FROM default.`{canary}`",
    "SELECT * FROM {{t:Identifier}}",
    "SELECT * FROM loop(file('{canary}'))",
    "SELECT * FROM view(SELECT * FROM file('{canary}'))",
    "SELECT * FROM viewIfPermitted(SELECT * FROM file('{canary}') ELSE null('a String'))",
    "SELECT 1 WHERE '1' IN (SELECT * FROM file('{canary}'))",
    "DESCRIBE file('{canary}')",
    "DESCRIBE TABLE file('{canary}', 'CSVWithNames')",
    "EXPLAIN SELECT * FROM file('{canary}')",
    "SELECT * FROM fileCluster('c', '{canary}')",
    "SELECT * FROM filesystem('{directory}')",
    "SELECT * FROM eval('SELECT file(''{canary}'')')",
    "SELECT 1 FORMAT Template SETTINGS format_template_resultset = '{canary}'",
    "SELECT 1 FORMAT Template SETTINGS max_threads = 1, format_template_resultset = '{canary}'",
    "SELECT * FROM (SELECT 1 SETTINGS format_template_resultset = '{canary}') FORMAT Template",
    "SELECT * FROM llm.t SETTINGS additional_table_filters = {{'llm.t': 's = file(\\'{canary}\\')'}}",
    "SELECT * FROM llm.t SETTINGS additional_table_filters = {{'llm.t': 's IN (SELECT * FROM file(\\'{canary}\\'))'}}",
    "SELECT dictGet('llm.d', 's', 1)",
    "SELECT * FROM dictionary('llm.d')",
    "SELECT catboostEvaluate('{canary}', 1)",
    "SELECT * FROM format(CSV, '{canary}') WHERE file(c1) != ''",
]
REACHES_OUT = [
    "SELECT * FROM url('http://127.0.0.1:9/', 'CSV', 'a String')",
    "DESCRIBE url('http://127.0.0.1:9/x.csv')",
    "SELECT * FROM s3('http://127.0.0.1:9/bucket/x.csv', 'CSV', 'a String')",
    "SELECT * FROM remote('127.0.0.1:9', 'system', 'one')",
    "SELECT * FROM executable('x.sh', 'CSV', 'a String')",
    "SELECT * FROM sqlite('{made}', 't')",
    "SELECT * FROM mysql('127.0.0.1:9', 'd', 't', 'u', 'p')",
    "SELECT * FROM postgresql('127.0.0.1:9', 'd', 't', 'u', 'p')",
    "SELECT * FROM redis('127.0.0.1:9', 'k', 'k String, v String')",
    "SELECT * FROM iceberg('{directory}')",
    "SELECT * FROM icebergLocal('{directory}')",
    "SELECT * FROM deltaLakeLocal('{directory}')",
    "SELECT * FROM Python(x)",
    "SELECT aiGenerate('x', map('credentials', 'c'))",
    "SELECT * FROM executable('x.sh', 'CSV', 'a String', (SELECT 1))",
    "SELECT * FROM cluster('default', system.one)",
    "SELECT * FROM remoteSecure('127.0.0.1:9', 'system', 'one')",
    "SELECT * FROM urlCluster('c', 'http://127.0.0.1:9/')",
    "SELECT * FROM odbc('DSN=x', 'a', 'b')",
    "SELECT * FROM jdbc('jdbc:x', 'a', 'b')",
    "SELECT * FROM mongodb('127.0.0.1:9', 'd', 't', 'u', 'p', 'a String')",
    "SELECT * FROM hdfs('hdfs://127.0.0.1:9/x', 'CSV', 'a String')",
    "SELECT * FROM azureBlobStorage('http://127.0.0.1:9/', 'c', 'x', 'CSV', 'auto', 'a String')",
    "EXPLAIN TABLE OVERRIDE mysql('127.0.0.1:9', 'd', 't', 'u', 'p') PARTITION BY a",
]
WRITES = [
    "SELECT 1 INTO OUTFILE '{made}'",
    "(SELECT 1) INTO OUTFILE '{made}' TRUNCATE",
    "SHOW TABLES INTO OUTFILE '{made}'",
    "EXPLAIN SELECT 1 INTO OUTFILE '{made}'",
    "DESCRIBE TABLE system.one INTO OUTFILE '{made}'",
    "INSERT INTO FUNCTION file('{made}', 'CSV', 'a Int8') SELECT 1",
    "INSERT INTO llm.t VALUES (9, 'x')",
    "INSERT INTO llm.t FROM INFILE '{canary}' FORMAT CSV",
    "INSERT INTO llm.t SELECT 1, 'x'",
    "CREATE TABLE llm.u (a Int8) ENGINE = Memory",
    "CREATE TEMPORARY TABLE u (a Int8) ENGINE = Memory",
    "CREATE FUNCTION f AS x -> x",
    "ALTER TABLE llm.t DELETE WHERE 1",
    "DELETE FROM llm.t WHERE 1",
    "DROP TABLE llm.t",
    "TRUNCATE TABLE llm.t",
    "DETACH TABLE llm.t",
    "RENAME TABLE llm.t TO llm.v",
    "OPTIMIZE TABLE llm.t",
    "BACKUP TABLE llm.t TO File('{made}')",
    "KILL QUERY WHERE 1",
    "SYSTEM STOP MERGES",
    "SYSTEM SHUTDOWN",
    "SET ROLE owner",
    "SET ROLE DEFAULT",
    "EXECUTE AS default SELECT 1",
    "CREATE DICTIONARY llm.d (a Int8) PRIMARY KEY a SOURCE(FILE(path '{canary}' format 'CSV')) LAYOUT(FLAT()) LIFETIME(0)",
    "CREATE USER u",
    "GRANT ALL ON *.* TO default",
    "ATTACH TABLE llm.w FROM '{canary}' (a String) ENGINE = File(CSV)",
    "WITH 1 AS x INSERT INTO llm.t SELECT x, 'x'",
    "EXCHANGE TABLES llm.t AND llm.t",
    "BEGIN TRANSACTION",
    "SET readonly = 0",
    "SET max_threads = 1",
    "USE system",
    "SELECT 1 SETTINGS readonly = 0",
    "SELECT 1; DROP TABLE llm.t",
]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("outside")
    (directory / "canary.csv").write_text(f"{CANARY}\n")
    return directory


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    opened = Engine(tmp_path_factory.mktemp("readonly") / "store", MEMORY)
    opened.run("CREATE DATABASE llm", read_only=False)
    opened.run("CREATE TABLE llm.t (a UInt64, s String) ENGINE = MergeTree ORDER BY a", read_only=False)
    opened.insert("INSERT INTO llm.t", "CSV", b"1,x\n")
    opened.run(
        "CREATE DICTIONARY llm.d (a UInt64, s String) PRIMARY KEY a SOURCE(CLICKHOUSE(DB 'llm' TABLE 't')) "
        "LAYOUT(FLAT()) LIFETIME(0)",
        read_only=False,
    )
    yield opened
    opened.close()


@pytest.mark.parametrize("statement", READS + REACHES_OUT + WRITES)
def test_refused(engine: Engine, place: Path, statement: str) -> None:
    canary, made = place / "canary.csv", place / "made"
    text = statement.format(canary=canary, made=made, directory=place)
    with pytest.raises(QueryFailed) as caught:
        engine.run(text, parameters={"f": "file", "t": str(canary)})
    assert CANARY not in str(caught.value)
    assert not made.exists()
    assert engine.run("SELECT * FROM llm.t").data == b"1\tx\n"


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT 'file(', url FROM (SELECT 1 AS url)",
        "WITH x AS (SELECT 1 AS a) SELECT a FROM x UNION ALL (SELECT 2)",
        "(SELECT 1) UNION ALL (SELECT 2)",
        "FROM numbers(2) SELECT *",
        "SHOW TABLES FROM llm",
        "SHOW CREATE TABLE llm.t",
        "DESCRIBE llm.t",
        "EXISTS llm.t",
        "EXPLAIN SELECT * FROM llm.t",
        "SELECT * FROM merge('llm', '^t$')",
        "SELECT * FROM generateRandom('a Int8') LIMIT 1",
        "SELECT format('{}', 1) -- a comment; and more",
        "SELECT 1;",
        "SELECT count() FROM system.settings",
    ],
)
def test_ordinary_queries_are_not_in_the_way(engine: Engine, statement: str) -> None:
    engine.run(statement)


@pytest.mark.parametrize(
    "name",
    ["readonly", "format_schema", "role", "dialect", "output_format_schema", "max_memory_usage", "nope"],
)
def test_settings_that_reach_further_cannot_be_set(engine: Engine, name: str) -> None:
    with pytest.raises(QueryFailed, match=f"Code: 164.*Cannot modify '{name}' setting in readonly mode"):
        engine.run("SELECT 1", settings={name: "1"})


@pytest.mark.parametrize(
    "name", ["max_execution_time", "max_threads", "session_timezone", "output_format_json_quote_64bit_integers"]
)
def test_settings_that_grafana_and_drivers_send_can(engine: Engine, name: str) -> None:
    engine.run("SELECT 1", settings={name: "UTC" if name == "session_timezone" else "1"})


SHOWN = set(re.findall(r"<(\w+)><filter>1</filter>", (Path(readonly.__file__).with_name("access.xml")).read_text()))


def test_system_tables_tell_a_reader_only_what_is_on_the_list(engine: Engine) -> None:
    names = engine.run("SELECT name FROM system.tables WHERE database = 'system'", read_only=False).data.decode().split()
    assert len(names) > 100
    telling = set()
    for name in names:
        with contextlib.suppress(QueryFailed):
            if engine.run(f"SELECT * FROM system.`{name}` LIMIT 1").data:
                telling.add(name)
    assert telling <= SHOWN
    assert {"tables", "columns", "databases", "functions", "settings", "one", "parts"} <= telling


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM system.processes",
        "SELECT * FROM {d:Identifier}.{t:Identifier}",
        "SELECT query FROM merge('system', '^processes$')",
        "SELECT query FROM merge(REGEXP('^sys.*'), '^processes$')",
        "SELECT * FROM loop(system.processes) LIMIT 1",
        "SELECT * FROM view(SELECT * FROM system.processes)",
        "SHOW PROCESSLIST",
    ],
)
def test_other_peoples_queries_are_not_seen(engine: Engine, statement: str) -> None:
    try:
        seen = engine.run(statement, parameters={"d": "system", "t": "processes"}, settings={"max_execution_time": "5"}).data
    except QueryFailed:
        seen = b""
    assert seen == b""
    assert engine.run("SELECT count() FROM system.processes", read_only=False).data == b"1\n"


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("SELECT getSetting('max_threads') SETTINGS max_threads = 3", b"3\n"),
        ("SELECT * FROM (SELECT 1 AS a SETTINGS max_threads = 3) SETTINGS max_block_size = 100", b"1\n"),
        ("SELECT a FROM llm.t SETTINGS additional_table_filters = {'llm.t': 'a = 2'}", b""),
        ("SELECT toUInt64(1) AS a FORMAT JSONEachRow SETTINGS output_format_json_quote_64bit_integers = 1", b'{"a":"1"}\n'),
        ("SELECT 1 AS SETTINGS", b"1\n"),
        ("SELECT 'x SETTINGS readonly = 0'", b"x SETTINGS readonly = 0\n"),
    ],
)
def test_a_statement_can_have_harmless_settings(engine: Engine, statement: str, expected: bytes) -> None:
    assert engine.run(statement).data == expected


@pytest.mark.parametrize(
    ("canonical", "expected"),
    [
        ("SELECT 1 SETTINGS a = 1, b = 'x'", {"a": "1", "b": "'x'"}),
        (
            "SELECT (SELECT 1 SETTINGS a = 1) SETTINGS c = {'x':'y'}, d = [1], e = -1.5",
            {"a": "1", "c": "{'x':'x'}", "d": "[1]", "e": "-1.5"},
        ),
        ("SELECT 1", None),
        ("SELECT 1 SETTINGS a = f(1)", None),
        ("SELECT 1 SETTINGS a = 1, b = f(1)", None),
        ("SELECT (SELECT 1 SETTINGS a = 1) SETTINGS b = f(1)", None),
        ("SELECT 1 SETTINGS a", None),
    ],
)
def test_settings_are_understood_whole_or_not_at_all(canonical: str, expected: object) -> None:
    assert readonly.own_settings(canonical) == expected


def test_functions_of_a_newer_engine_are_refused() -> None:
    refused = readonly.outward(["numbers", "readMind", "FILE"])
    assert refused == {"readmind", "file"}
    with pytest.raises(QueryFailed, match="readMind"):
        readonly.check("SELECT * FROM readMind('x')", refused)


@given(st.text(alphabet="a'`\\ (\n", max_size=12))
def test_a_string_hides_nothing_and_shows_nothing(text: str) -> None:
    literal = "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
    assert readonly.bare(f"SELECT {literal}, file(1), {literal}") == "SELECT '', file(1), ''"


def test_output_format_is_the_statements_last_word() -> None:
    assert readonly.output_format("SELECT 1 FORMAT JSON SETTINGS max_threads = 1") == "JSON"
    assert readonly.output_format("SELECT ' FORMAT JSON'") is None
