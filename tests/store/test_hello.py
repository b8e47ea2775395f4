"""The answer to clickhouse-go's first question; that the driver reads it, and all that follows, is shown in clients/."""

import pytest

from tracer.store import hello

QUESTION = "SELECT displayName(), version(), revision(), timezone()"


@pytest.mark.parametrize(
    ("statement", "version", "expected"),
    [
        (QUESTION, "54460", True),
        (f"\n{QUESTION.lower()} ;\n", "54460", True),
        (QUESTION, "", False),
        (QUESTION, "0", False),
        (QUESTION, "x", False),
        (f"{QUESTION}, 1", "54460", False),
        ("SELECT 1", "54460", False),
    ],
)
def test_is_hello(statement: str, version: str, expected: bool) -> None:
    assert hello.is_hello(statement, version) is expected


@pytest.mark.parametrize(("version", "custom"), [(54453, b""), (54460, b"\x00")])
def test_the_block(version: int, custom: bytes) -> None:
    assert (
        hello.answer("tracer", "26.9", "UTC", version)
        == (
            b"\x01\x00\x02\xff\xff\xff\xff\x00"  # block info
            b"\x04\x01"  # columns, rows
            b"\x0ddisplayName()\x06String" + custom + b"\x06tracer"
            b"\x09version()\x06String" + custom + b"\x0426.9"
            b"\x0arevision()\x06UInt32" + custom + b"\x00\x00\x00\x00"
            b"\x0atimezone()\x06String" + custom + b"\x03UTC"
        )
    )
