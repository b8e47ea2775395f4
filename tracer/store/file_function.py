"""The scalar function `file`, which reads any file for whoever may query: replaced by one that fails (readonly.py, fence 3).

A name that is no table's is taken for a file's by the database `default` of clickhouse-local, so a refusal may mean just that.
"""

import contextlib

import chdb

from tracer.store.errors import ACCESS_DENIED, READONLY, QueryFailed, failure, from_engine

_PY_EXCEPTION = 800


def replace(replaced: bool) -> None:
    """In this process, for every connection: an earlier engine may have left it either way."""
    with contextlib.suppress(RuntimeError):  # there was none
        chdb.drop_function("file")
    if replaced:
        chdb.create_function("file", _no_file, ["String"], "String")


def worded(text: str) -> QueryFailed:
    """The engine's message, where it would say something of files that was not meant."""
    error = from_engine(text)
    if error.code == _PY_EXCEPTION and "'file'" in text:
        return failure(READONLY, "READONLY", "Cannot execute query in readonly mode: file() reads files.")
    if error.code == ACCESS_DENIED and "READ ON FILE" in text:
        return failure(60, "UNKNOWN_TABLE", "Unknown table expression identifier: there is no such table.")
    return error


def _no_file(_path: str) -> str:
    raise PermissionError("file() is switched off")
