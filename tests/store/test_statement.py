import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer.store.errors import QueryFailed
from tracer.store.statement import Insert, as_insert, first_word, into_file, masked, quoted, setting_name


@pytest.mark.parametrize(
    ("text", "head", "data_format", "data"),
    [
        (b"INSERT INTO t FORMAT Native\n\x00\xff", "INSERT INTO t ", "Native", b"\x00\xff"),
        (b"insert into t (a, b) format JSONEachRow {}", "insert into t (a, b) ", "JSONEachRow", b"{}"),
        (b"INSERT INTO t FORMAT CSV\r\n1\r\n", "INSERT INTO t ", "CSV", b"1\r\n"),
        (b"INSERT INTO t FORMAT CSV \n\n1", "INSERT INTO t ", "CSV", b"\n1"),
        (b"INSERT INTO t FORMAT Native", "INSERT INTO t ", "Native", b""),
        (b"/* FORMAT x */ -- SELECT\nINSERT INTO t FORMAT TSV\n1", "/* FORMAT x */ -- SELECT\nINSERT INTO t ", "TSV", b"1"),
        (b"INSERT INTO t (format, values) FORMAT TSV\n1", "INSERT INTO t (format, values) ", "TSV", b"1"),
        (b"INSERT INTO `a FORMAT b` FORMAT TSV\n1", "INSERT INTO `a FORMAT b` ", "TSV", b"1"),
        (
            b"INSERT INTO t SETTINGS log_comment = 'x FORMAT y\\' z' FORMAT TSV\n1",
            "INSERT INTO t SETTINGS log_comment = 'x FORMAT y\\' z' ",
            "TSV",
            b"1",
        ),
    ],
)
def test_head_and_data(text: bytes, head: str, data_format: str, data: bytes) -> None:
    assert as_insert(text) == Insert(head, data_format, data)


@pytest.mark.parametrize(
    "text",
    [
        b"SELECT 1 FORMAT Native",
        b"INSERT INTO t VALUES (1) -- FORMAT Native\n",
        b"INSERT INTO t SELECT 1 FORMAT Native",
        b"INSERT INTO t FROM INFILE 'x' FORMAT CSV",
        b"INSERT INTO t WITH 1 AS x SELECT x FORMAT Native",
        b"INSERT",
        b"",
        b"\xff\xfe",
        b"INSERT INTO t (" + b"a, " * 40_000 + b"b) FORMAT TSV\n1",
    ],
)
def test_everything_else_stays_whole(text: bytes) -> None:
    assert as_insert(text) is None


@given(st.binary(max_size=200))
def test_data_is_never_looked_into(data: bytes) -> None:
    assert as_insert(b"INSERT INTO t FORMAT Native\n" + data) == Insert("INSERT INTO t ", "Native", data)


@given(st.binary(max_size=200))
def test_any_bytes_can_be_asked_about(text: bytes) -> None:
    as_insert(b"INSERT " + text)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("SELECT 1", "SELECT"),
        (" -- kill\n/* set */ use x", "USE"),
        ("(SELECT 1)", ""),
        ("", ""),
        ("-- nothing", ""),
        ("'SET'", ""),
    ],
)
def test_first_word(text: str, word: str) -> None:
    assert first_word(text) == word


@pytest.mark.parametrize(
    ("canonical", "expected"),
    [
        ("SELECT 1", "SELECT 1 INTO OUTFILE '/f' TRUNCATE FORMAT `JSON`"),
        ("SELECT 1 FORMAT CSV", "SELECT 1 INTO OUTFILE '/f' TRUNCATE FORMAT CSV"),
        ("SELECT 1 FORMAT `Null`", "SELECT 1 INTO OUTFILE '/f' TRUNCATE FORMAT `Null`"),
        (
            "WITH x AS (SELECT 1) SELECT * FROM x FORMAT CSV SETTINGS max_threads = 1",
            "WITH x AS (SELECT 1) SELECT * FROM x INTO OUTFILE '/f' TRUNCATE FORMAT CSV SETTINGS max_threads = 1",
        ),
        ("SELECT 1 SETTINGS max_threads = 1", "SELECT 1 SETTINGS max_threads = 1 INTO OUTFILE '/f' TRUNCATE FORMAT `JSON`"),
        ("SELECT ' FORMAT CSV'", "SELECT ' FORMAT CSV' INTO OUTFILE '/f' TRUNCATE FORMAT `JSON`"),
        ("SELECT ' FORMAT CSV SETTINGS a' FORMAT TSV", "SELECT ' FORMAT CSV SETTINGS a' INTO OUTFILE '/f' TRUNCATE FORMAT TSV"),
        ("SELECT 1 AS FORMAT FORMAT TSV", "SELECT 1 AS FORMAT INTO OUTFILE '/f' TRUNCATE FORMAT TSV"),
        ("((SELECT 1) UNION ALL (SELECT 2))", "((SELECT 1) UNION ALL (SELECT 2)) INTO OUTFILE '/f' TRUNCATE FORMAT `JSON`"),
        ("SELECT 1 INTO OUTFILE 'x' FORMAT CSV", None),
        ("SHOW TABLES", None),
        ("INSERT INTO t SELECT 1", None),
        ("SELECT '\ufffd'", None),
    ],
)
def test_where_a_result_goes(canonical: str, expected: str | None) -> None:
    assert into_file(canonical, "JSON", "/f") == expected


def test_a_format_cannot_bring_more_than_its_name() -> None:
    with pytest.raises(QueryFailed, match="Code: 73"):
        into_file("SELECT 1", "CSV` SETTINGS a = 1", "/f")


@given(st.text(alphabet="a'`\\ (,", max_size=12))
def test_masking_keeps_the_length_and_hides_what_is_quoted(text: str) -> None:
    statement = f"SELECT {quoted(text)} AS {quoted(text, '`')}, 1"
    shape = masked(statement)
    assert len(shape) == len(statement)
    assert set(shape) <= set("SELCTA x'`,1")


def test_names_of_settings() -> None:
    assert setting_name("max_threads") == "max_threads"
    for name in ("", "a b", "a=1", "1a"):
        with pytest.raises(QueryFailed, match="Code: 115"):
            setting_name(name)
