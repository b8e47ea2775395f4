"""The statements by clickhouse-connect, in the form that client.mjs and main.go give them too.

That form: numbers, times and other scalars as the text that ClickHouse writes, NULL as null, arrays and tuples as lists, maps
as objects; an error as its code.
"""

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError, StreamFailureError

TIME = dt.datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=dt.UTC)


def run(task: Mapping[str, Any]) -> list[Any]:
    """What came of each statement."""
    common = {"host": task["host"], "port": task["port"], "database": "llm", "compress": task["compress"]}
    writing = {"username": "tracer", "password": task["password"]}
    with (
        clickhouse_connect.get_client(**common) as reader,
        clickhouse_connect.get_client(**common, **writing, autogenerate_session_id=False) as writer,
        clickhouse_connect.get_client(**common, **writing, session_id=task["name"]) as session,
    ):
        clients = {"reader": reader, "writer": writer, "session": session}
        return [_one(clients[statement.get("as", "reader")], statement, task["name"]) for statement in task["statements"]]


def _one(client: Client, statement: Mapping[str, Any], name: str) -> Any:
    sql = statement.get("sql", "").replace("{client}", name)
    how: dict[str, Any] = {"settings": statement.get("settings"), "parameters": statement.get("parameters")}
    try:
        match statement.get("do"):
            case "command":
                client.command(sql, **how)
                return "done"
            case "insert":
                rows = [[int(number), text, TIME] for number, text in statement["rows"]]
                client.insert(statement["table"].replace("{client}", name), rows, ["a", "s", "t"])
                return "done"
            case "count":
                with client.query_rows_stream(sql, **how) as stream:
                    return {"count": sum(1 for _ in stream)}
        found = client.query(sql, **how)
    except (DatabaseError, StreamFailureError) as error:
        return {"error": error.code or int(re.search(r"Code: (\d+)", str(error))[1])}  # type: ignore[index]
    types = [kind.name for kind in found.column_types]
    rows = [[_plain(value, kind) for value, kind in zip(row, types, strict=True)] for row in found.result_rows]
    return {"columns": list(found.column_names), "rows": rows}


def _plain(value: Any, kind: str = "") -> Any:
    match value:
        case None | str():
            return value
        case bool():
            return str(value).lower()
        case float():
            return repr(value).removesuffix(".0")
        case Decimal():
            text = f"{value:f}"
            return text.rstrip("0").rstrip(".") if "." in text else text
        case bytes():
            return value.decode()
        case dt.datetime():
            digits = re.search(r"DateTime64\((\d)", kind)
            fraction = f".{value:%f}"[: int(digits[1]) + 1] if digits else ""
            return f"{value:%Y-%m-%d %H:%M:%S}{fraction}"
        case Mapping():
            return {_plain(key): _plain(item) for key, item in value.items()}
        case Sequence():
            return [_plain(item) for item in value]
    return str(value)
