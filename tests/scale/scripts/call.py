"""Runs in an SDK's own environment: calls in as JSON on stdin, what came of each out as JSON on stdout.

    {"client": {…}, "calls": [{"do": "beta.chat.completions.create", "with": {…}, "async": false}, …]}

Each answer is `{"reply": …}`, `{"chunks": […]}` for a stream, or `{"error": …, "chunks": […]}` with what had come before it.
"""

import asyncio
import functools
import importlib
import json
import sys
from typing import Any


def plain(value: Any) -> Any:
    return value.to_dict() if hasattr(value, "to_dict") else value


def failed(error: Exception) -> dict[str, Any]:
    named = {name: getattr(error, name, None) for name in ("status_code", "body", "message")}
    return {"type": type(error).__name__, **named}


def method(client: Any, path: str) -> Any:
    return functools.reduce(getattr, path.split("."), client)


def call(client: Any, path: str, given: dict[str, Any]) -> dict[str, Any]:
    chunks: list[Any] = []
    try:
        reply = method(client, path)(**given)
        if not hasattr(reply, "__next__"):
            return {"reply": plain(reply)}
        for chunk in reply:
            chunks += [plain(chunk)]  # one by one: those before an error count
    except Exception as error:
        return {"error": failed(error), "chunks": chunks}
    return {"chunks": chunks}


async def call_async(client: Any, path: str, given: dict[str, Any]) -> dict[str, Any]:
    chunks: list[Any] = []
    try:
        reply = await method(client, path)(**given)
        if not hasattr(reply, "__anext__"):
            return {"reply": plain(reply)}
        async for chunk in reply:
            chunks += [plain(chunk)]
    except Exception as error:
        return {"error": failed(error), "chunks": chunks}
    return {"chunks": chunks}


def main() -> None:
    package = importlib.import_module(sys.argv[1])
    asked = json.load(sys.stdin)
    made = []
    for one in asked["calls"]:
        given = one.get("with", {})
        if one.get("async"):
            client = package.AsyncSGPClient(**asked["client"])
            made.append(asyncio.run(call_async(client, one["do"], given)))
        else:
            made.append(call(package.SGPClient(**asked["client"]), one["do"], given))
    json.dump(made, sys.stdout, default=str)


if __name__ == "__main__":
    main()
