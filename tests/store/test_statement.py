import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer.store.statement import Insert, as_insert


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
