import pytest

from tracer.store.errors import from_engine


@pytest.mark.parametrize(
    ("text", "code", "status"),
    [
        ("Code: 62. DB::Exception: Syntax error (SYNTAX_ERROR)", 62, 400),
        ("Streaming insert finish failed: Code: 60. DB::Exception: no table (UNKNOWN_TABLE)", 60, 404),
        ("Code: 164. DB::Exception: Code: 115. DB::Exception: nested", 164, 500),
        ("Code: 241. DB::Exception: memory", 241, 500),
        ("Code: 159. DB::Exception: timeout", 159, 408),
        ("something else", 1002, 500),
    ],
)
def test_code_status_and_words(text: str, code: int, status: int) -> None:
    error = from_engine(text)
    assert (error.code, error.http_status) == (code, status)
    assert str(error).startswith(f"Code: {code}. DB::Exception: ")
