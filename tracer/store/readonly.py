"""What a user who may only read can ask for: queries of tables, and nothing outside the engine.

ClickHouse's own `readonly = 1` stops INSERT, DDL, SET and most table functions, but in chDB 26.9 it lets through (all tried,
tests/store/test_readonly.py tries them again):
  file('/etc/passwd')          a scalar function, which reads any file: chDB skips the check of user_files_path.
  INTO OUTFILE, KILL QUERY     allowed as "read only".
  DESCRIBE file(…), url(…)     reads the file or calls the server to learn its columns.
  sqlite('/x'), s3(…)          act while their arguments are looked at, before they are refused.
So four fences, each enough for most of it:
  1. engine.py takes the role `reader` of access.xml: SELECT and no source, no INTROSPECTION, no dictionary, of system
     tables a short list. The engine holds the connection to it wherever a name is hidden.
  2. engine.py sets `readonly` on the connection, after the settings below.
  3. file_function.py replaces the function `file` by one that fails (a Python function of that name wins over the built-in,
     also under an alias, in a lambda or in APPLY, where no reading of the text would find it).
  4. `check` here, on the statement as the engine itself writes it back (formatQuery): one statement, of a kind that
     reads, no INTO OUTFILE, no table function that is not known to be harmless. Names added by a newer engine are refused.

Settings come from the same user, and some name files or schemas, so only those listed here can be set, in the URL or in the
statement. `readonly = 1` refuses every SETTINGS clause; it is 2 for a statement in which all of them were understood and
every name is on the list.
"""

import re
from collections.abc import Iterable

from tracer.store.errors import READONLY, failure
from tracer.store.statement import QUOTED, masked

# Table functions that make rows of their arguments or of tables.
# fmt: off
_HARMLESS = frozenset((
    "dictionary", "format", "fuzzjson", "fuzzquery", "generate_series", "generaterandom", "generateseries",
    "input", "loop", "merge", "mergetreeanalyzeindexes", "mergetreeanalyzeindexesuuid",
    "mergetreecodecblockcounts", "mergetreeindex", "mergetreeprojection", "mergetreetextindex", "null",
    "numbers", "numbers_mt", "primes", "sqlstandardvalues", "values", "view", "viewexplain", "viewifpermitted",
    "zeros", "zeros_mt",
))
# fmt: on
_KINDS = frozenset(("SELECT", "WITH", "(", "SHOW", "DESCRIBE", "EXISTS", "EXPLAIN"))
# fmt: off
_SETTINGS = frozenset((
    "additional_table_filters", "aggregate_functions_null_for_empty", "any_join_distinct_right_table_keys",
    "async_insert", "cast_keep_nullable", "cast_string_to_dynamic_use_inference", "date_time_input_format",
    "date_time_output_format", "extremes", "final", "format_csv_delimiter", "group_by_overflow_mode",
    "group_by_use_nulls", "http_response_buffer_size", "join_algorithm", "join_use_nulls", "limit",
    "log_comment", "log_queries", "max_block_size", "max_bytes_to_read", "max_columns_to_read",
    "max_estimated_execution_time", "max_execution_time", "max_query_size", "max_result_bytes",
    "max_result_rows", "max_rows_to_group_by", "max_rows_to_read", "max_threads", "offset",
    "prefer_column_name_to_alias", "priority", "read_overflow_mode", "result_overflow_mode",
    "session_timezone", "sort_overflow_mode", "timeout_before_checking_execution_speed",
    "timeout_overflow_mode", "totals_mode", "transform_null_in", "use_query_condition_cache",
    "wait_for_async_insert", "wait_for_async_insert_timeout",
))
# fmt: on
# Of these families, those that name a file or a schema are left out by the last part.
_FORMAT_SETTING = re.compile(r"output_format_(?!schema)\w+|input_format_null_as_default")

_CALL = re.compile(r"\b(\w+)\(")
_FORMAT = re.compile(r"\bFORMAT (\w+)(?: SETTINGS .*)?$", re.DOTALL)
_VALUE = r"(?:'x*'|-?[\w.]+|\{[^{}]*\}|\[[^\[\]]*\])"
# Whole or not at all: what follows the last value must be able to end the clause.
_CLAUSE = re.compile(rf"\bSETTINGS (\w+ = {_VALUE}(?:, \w+ = {_VALUE})*)(?=$|\)| )")
_PAIR = re.compile(rf"(\w+) = ({_VALUE})")
# clickhouse-connect's first question: a setting that is not shown as free, it will not send.
_WHICH_ARE_FREE = re.compile(r"SELECT name, value, readonly FROM system\.settings LIMIT \d+(?: FORMAT \w+)?")


def outward(table_functions: Iterable[str]) -> frozenset[str]:
    """Of the engine's table functions, those that reach outside it or are not known."""
    return frozenset(name.lower() for name in table_functions) - _HARMLESS


def bare(canonical: str) -> str:
    """The statement without its strings: what is left are names and keywords."""
    return QUOTED.sub(lambda found: "''" if found[0].startswith("'") else found[0][1:-1], canonical)


def output_format(canonical: str) -> str | None:
    """The FORMAT that the statement asks for itself."""
    found = _FORMAT.search(bare(canonical))
    return found[1] if found else None


def check(canonical: str, refused_functions: frozenset[str]) -> None:
    """Raise READONLY unless the statement only reads the engine's own tables."""
    check_kind(canonical)
    text = bare(canonical)
    if re.search(r"\bINTO OUTFILE\b", text):
        raise _refusal("INTO OUTFILE writes a file")
    for name in _CALL.findall(text):
        if name.lower() in refused_functions:
            raise _refusal(f"{name}() reaches outside the store")


def check_kind(canonical: str) -> None:
    """Raise READONLY unless the statement is of a kind that reads."""
    kind = "(" if canonical.startswith("(") else canonical.split(" ", 1)[0]
    if kind not in _KINDS:
        raise _refusal(f"this user can only query, and this is {kind}")


def check_settings(names: Iterable[str]) -> None:
    """Raise READONLY for a setting that this user cannot change, in ClickHouse's words."""
    for name in names:
        if name not in _SETTINGS and not _FORMAT_SETTING.fullmatch(name):
            raise failure(READONLY, "READONLY", f"Cannot modify '{name}' setting in readonly mode.")


def own_settings(canonical: str) -> dict[str, str] | None:
    """What the statement's SETTINGS clauses set, strings blanked; None if one is not understood, or there is none."""
    shape = masked(canonical)
    clauses = _CLAUSE.findall(shape)
    if not clauses or len(clauses) != len(re.findall(r"\bSETTINGS\b", shape)):
        return None
    return {name: value for clause in clauses for name, value in _PAIR.findall(clause)}


def asks_which_settings_are_free(canonical: str) -> bool:
    """Whether it is a driver's question about which settings it may send."""
    return _WHICH_ARE_FREE.fullmatch(canonical) is not None


def _refusal(reason: str) -> Exception:
    return failure(
        READONLY, "READONLY", f"Cannot execute query in readonly mode: {reason}. TRACER_STORE_ALLOW_WRITES=true permits it."
    )
