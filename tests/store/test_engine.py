"""What engine.py says of chDB, held to."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tracer.store.engine import Engine
from tracer.store.errors import QueryFailed, StoreError, StoreLocked, StoreUnavailable

MEMORY = 512 << 20
IN_MEMORY = f"max_memory_usage = {MEMORY // 2}, " + ", ".join(
    f"max_bytes_{kind}before_external_group_by = 0" for kind in ("", "ratio_")
)
# Ends only when somebody ends it.
ENDLESS = "SELECT count() FROM numbers(1000000000000) WHERE sipHash64(number) = 1"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    opened = Engine(tmp_path_factory.mktemp("engine") / "store", MEMORY)
    create(opened, "llm")
    yield opened
    opened.close()


def create(engine: Engine, database: str) -> None:
    engine.run(f"CREATE DATABASE {database}", read_only=False)
    engine.run(
        f"CREATE TABLE {database}.t (a UInt64, s String) ENGINE = MergeTree ORDER BY a "
        "SETTINGS non_replicated_deduplication_window = 100",
        read_only=False,
    )


def value(engine: Engine, statement: str, **how: object) -> str:
    return engine.run(statement, **how).data.decode().strip()  # type: ignore[arg-type]


def test_formats_parameters_settings_and_database(engine: Engine) -> None:
    assert engine.run("SELECT 1 AS x", default_format="JSONEachRow").data == b'{"x":1}\n'
    own = engine.run("SELECT 1 AS x FORMAT CSV", default_format="JSONEachRow")
    assert (own.data, own.format, own.rows) == (b"1\n", "CSV", 1)
    assert engine.run("SELECT 'FORMAT JSON'", default_format="TSV").format == "TSV"
    assert value(engine, "SELECT {a:String}, {b:UInt8}", parameters={"a": "it's\\tok", "b": "7"}) == "it\\'s\\tok\t7"
    assert value(engine, "SELECT getSetting('max_threads')", settings={"max_threads": "3"}) == "3"
    assert value(engine, "SELECT count() FROM t", database="llm") == "0"
    assert value(engine, "SELECT currentDatabase()") == "default"  # nothing of the statement before is left


def test_what_the_connection_string_asks_for_is_in_force(engine: Engine) -> None:
    limit = "SELECT value FROM system.server_settings WHERE name = 'max_server_memory_usage'"
    assert value(engine, limit, read_only=False) == str(MEMORY)
    assert value(engine, "SELECT timezone(), getSetting('implicit_select')") == "UTC\tfalse"
    assert value(engine, "SELECT getSetting('allow_introspection_functions')") == "false"
    assert value(engine, "SELECT getSetting('merge_tree_min_rows_for_concurrent_read')") == "16384"
    assert value(engine, "SELECT getSetting('merge_tree_min_bytes_for_concurrent_read')") == str(4 << 20)
    assert value(engine, "SELECT getSetting('readonly'), getSetting('max_memory_usage')") == f"1\t{MEMORY // 2}"


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("SELECT nope", 47),
        ("SELEC 1", 62),
        ("1 + 1", 62),
        ("SELECT 1; SELECT 2", 62),
        ("SELECT * FROM nope", 60),
        ("SELECT {a:String}", 456),
        ("SELECT throwIf(1)", 395),
        ("", 62),
    ],
)
def test_errors_keep_their_code_and_words(engine: Engine, statement: str, code: int) -> None:
    with pytest.raises(QueryFailed) as caught:
        engine.run(statement)
    assert caught.value.code == code
    assert str(caught.value).startswith(f"Code: {code}. DB::Exception: ")
    assert "formatQuery" not in str(caught.value)  # our own question is not the user's business


def test_unknown_database_and_setting(engine: Engine) -> None:
    with pytest.raises(QueryFailed, match="Code: 81"):
        engine.run("SELECT 1", database="no`'pe")
    for name in ("nope", "a b", "max_threads = 1, readonly"):
        with pytest.raises(QueryFailed, match="Code: 115"):
            engine.run("SELECT 1", settings={name: "1"}, read_only=False)


def test_insert_by_token_is_once_whatever_the_format(engine: Engine) -> None:
    create(engine, "once")
    rows = b"".join(b'{"a":%d,"s":"x"}\n' % n for n in range(1000))
    token = {"insert_deduplication_token": "batch-1"}
    done = engine.insert("INSERT INTO once.t (a, s)", "JSONEachRow", rows, settings=token)
    assert done.written_rows == 1000
    engine.insert("INSERT INTO once.t (a, s)", "JSONEachRow", rows, settings=token)
    engine.insert("INSERT INTO t (a, s)", "CSV", b"1,again\n", settings=token, database="once")
    assert value(engine, "SELECT count() FROM once.t") == "1000"
    engine.insert("INSERT INTO once.t (a, s)", "CSV", b"1,other\n", settings={"insert_deduplication_token": "batch-2"})
    assert value(engine, "SELECT count() FROM once.t") == "1001"
    assert engine.insert("INSERT INTO once.t (a, s)", "Native", b"").written_rows == 0


def test_an_insert_that_cannot_be_written_says_so(engine: Engine) -> None:
    engine.run("CREATE DATABASE said", read_only=False)
    engine.run("CREATE TABLE said.t (a UInt8, CONSTRAINT small CHECK a < 10) ENGINE MergeTree ORDER BY a", read_only=False)
    engine.run("CREATE TABLE said.u (a UInt8) ENGINE MergeTree ORDER BY a", read_only=False)
    engine.run("CREATE MATERIALIZED VIEW said.v TO said.t AS SELECT a + throwIf(a = 3) AS a FROM said.u", read_only=False)
    with pytest.raises(QueryFailed, match="Code: 469"):
        engine.insert("INSERT INTO said.t", "TSV", b"5\n50\n")
    with pytest.raises(QueryFailed, match="Code: 395"):
        engine.insert("INSERT INTO said.u", "TSV", b"3\n")


def test_an_insert_may_bring_settings(engine: Engine) -> None:
    create(engine, "brings")
    statement = "INSERT INTO brings.t (a, `s`) SETTINGS insert_deduplication_token = 'x', format_csv_delimiter = ';'"
    for _ in range(2):
        assert engine.insert(statement, "CSV", b"1;b\n").written_rows == 1
    assert value(engine, "SELECT count() FROM brings.t") == "1"


@pytest.mark.parametrize(("data_format", "data"), [("Native", b"garbage" * 100), ("JSONEachRow", b'{"a":"x"}\n')])
def test_broken_data_leaves_nothing_behind(engine: Engine, data_format: str, data: bytes) -> None:
    with pytest.raises(QueryFailed):
        engine.insert("INSERT INTO llm.t (a, s)", data_format, data)
    assert value(engine, "SELECT count() FROM llm.t") == "0"


def test_memory_is_limited(engine: Engine) -> None:
    with pytest.raises(QueryFailed, match="Code: 241"):
        engine.run("SELECT groupArray(number) FROM numbers(300000000)")


def test_inserts_and_queries_go_on_beside_a_heavy_query(engine: Engine) -> None:
    create(engine, "beside")
    heavy = threading.Thread(target=run_until_ended, args=(engine, "beside-marker"))
    heavy.start()
    wait_until_running(engine, "beside-marker")
    for number in range(5):
        engine.insert("INSERT INTO beside.t (a, s)", "CSV", b"%d,x\n" % number)
    assert value(engine, "SELECT count() FROM beside.t") == "5"
    assert heavy.is_alive()
    engine.run("KILL QUERY WHERE query LIKE '%beside-marker%' AND query NOT LIKE '%KILL%' ASYNC", read_only=False)
    heavy.join(30)
    assert not heavy.is_alive()


def test_a_query_is_killed_by_its_name_and_no_other(engine: Engine) -> None:
    heavy = threading.Thread(target=run_until_ended, args=(engine, "kill-marker"), kwargs={"name": "it's me"})
    heavy.start()
    wait_until_running(engine, "kill-marker")
    engine.kill("somebody else")
    assert value(engine, "SELECT 1", name="another") == "1"
    assert heavy.is_alive()
    engine.kill("it's me")
    heavy.join(30)
    assert not heavy.is_alive()


def test_what_is_held_keeps_its_temporary_tables_and_nothing_else(engine: Engine) -> None:
    create(engine, "holding")
    held = engine.hold()
    how: dict[str, object] = {"held": held, "read_only": False}
    value(engine, "CREATE TEMPORARY TABLE kept (a UInt8)", **how)
    engine.insert("INSERT INTO kept", "CSV", b"1\n2\n", held=held)
    found = value(
        engine,
        "SELECT sum(a), getSetting('max_threads'), currentDatabase() FROM kept",
        settings={"max_threads": "3"},
        database="holding",
        **how,
    )
    assert found == "3\t3\tholding"
    assert value(engine, "SELECT getSetting('max_threads') = 3, currentDatabase()", **how) == "0\tdefault"
    with pytest.raises(QueryFailed, match="Code: 115"):
        value(engine, "SELECT 1", settings={"nope": "1"}, **how)
    with pytest.raises(QueryFailed, match="Code: 60"):
        value(engine, "SELECT * FROM kept", read_only=False)
    with pytest.raises(QueryFailed, match="Code: 164"):  # as by GET
        value(engine, "DROP TABLE kept", held=held)
    assert value(engine, "SELECT count() FROM kept", **how) == "2"
    held.close()


def test_more_than_fits_into_memory_is_grouped_on_disk(engine: Engine) -> None:
    question = (
        "SELECT count() FROM (SELECT cityHash64(number) AS n, any(hex(sipHash128(number))) AS s "
        "FROM numbers(4000000) GROUP BY n) WHERE length(s) = 32"
    )
    assert value(engine, question) == "4000000"
    with pytest.raises(QueryFailed, match="Code: 241"):  # as it is without
        value(engine, f"{question} SETTINGS {IN_MEMORY}", read_only=False)


def test_a_directory_has_one_process(engine: Engine, tmp_path: Path) -> None:
    code = "import sys; from pathlib import Path; from tracer.store.engine import Engine; Engine(Path(sys.argv[1]), 0)"
    directory = str(engine._directory)
    other = subprocess.run([sys.executable, "-c", code, directory], capture_output=True, text=True, check=False)
    assert other.returncode != 0
    assert f"{StoreLocked.__name__}: {directory} is in use by another process" in other.stderr
    with pytest.raises(StoreUnavailable):  # and a process one directory
        Engine(tmp_path / "second", MEMORY)


def test_a_path_that_chdb_cannot_take(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="TRACER_DATA_DIR"):
        Engine(tmp_path / "what?", MEMORY)


def run_until_ended(engine: Engine, marker: str, name: str = "") -> None:
    with pytest.raises(QueryFailed, match="QUERY_WAS_CANCELLED"):
        engine.run(f"{ENDLESS} AND '{marker}' != ''", name=name)


def wait_until_running(engine: Engine, marker: str) -> None:
    asked = f"SELECT count() FROM system.processes WHERE query LIKE '%{marker}%' AND query NOT LIKE '%system.processes%'"
    while value(engine, asked, read_only=False) != "1":
        pass
