"""Secrets in every position of real calls through a whole Tracer, then a search of everything that it keeps, sends or shows.

Each position has a canary of its own, so that one that got through names its way. A secret that a caller sent in a header
or in the query is looked for in bodies and replies too, where the same text stands again. What a caller writes into a body
and nowhere else is content: it is kept, unless `TRACER_CAPTURE=metadata` says otherwise (tests/proxy/test_keep_blanked.py).
"""

import asyncio
import contextlib
import json
import os
import re
import signal
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.exporters.scripted_collector import Collector, http_collector
from tests.provider import STALL, Provider, Reply, Request, error, raw, reply, sse
from tests.proxy.conftest import Proxy
from tests.proxy.http.wire import Wire, ask, connect, request
from tests.proxy.test_secrets import HEADERS, QUERY
from tests.up import Up, until
from tracer.spool.unfinished import NOTES

pytestmark = pytest.mark.timeout(120)

CANARY = b"CANARY"
TABLES = ("calls", "bodies", "otel_traces", "feedback", "prices", "spans", "span_bodies")
PAGES = ("/", "/calls", "/calls/rows", "/models", "/keys", "/prompts", "/errors", "/sql?q=SELECT+*+FROM+llm.calls", "/traces")
OF_THE_PROVIDER = [
    ("Set-Cookie", "s=CANARY-set-cookie"),
    ("X-Any-Secret", "CANARY-of-a-provider"),
    ("WWW-Authenticate", "CANARY"),
]


def repeats(asked: Request) -> Reply:
    """All that the provider got, in headers and in a body of the shape that was asked for."""
    said = json.dumps({"headers": asked.headers, "target": asked.target, "body": asked.body.decode("latin-1")})
    body = {"id": "x", "model": "m", "choices": [{"index": 0, "message": {"content": said}, "finish_reason": "stop"}]}
    match asked.path.rpartition("/")[2]:
        case "error":
            return error(401, f"Incorrect API key provided: {said}", headers=OF_THE_PROVIDER)
        case "stream":
            # In one event: of a secret that a model spells over several, Tracer cannot know (docs/threat-model.md).
            event = f"data: {json.dumps({'choices': [{'index': 0, 'delta': {'content': said}}]})}\n\n".encode()
            pieces = [event[at : at + 23] for at in range(0, len(event), 23)]
            return sse([*pieces, b"data: [DONE]\n\n"], headers=OF_THE_PROVIDER)
        case _:
            return reply(200, [("Content-Type", "application/json"), *OF_THE_PROVIDER], json.dumps(body).encode())


def asking(path: str, names: list[str]) -> bytes:
    """A call with these headers, and with their secrets again wherever a body has a place for a text."""
    said = " ".join(HEADERS[name] for name in names)
    body = {
        "model": said,
        "user": said,
        "messages": [{"role": "user", "name": said, "content": [{"type": "text", "text": said}]}],
        "metadata": {said: said},
        "tools": [{"type": "function", "function": {"name": said, "description": said}}],
        "stop": [said],
        said: 1,
    }
    lines = ["Connection: close", "Content-Type: application/json", *(f"{name}: {HEADERS[name]}" for name in names)]
    one = HEADERS[names[-1]]
    lines += [f"{name}: {one}" for name in ("User-Agent", "x-portkey-trace-id", "x-portkey-span-name", "x-request-id")]
    lines.append(f"x-portkey-metadata: {json.dumps({'_user': one, one: one})}")
    return request("POST", path + QUERY, lines, json.dumps(body).encode())


@pytest.fixture
def collector() -> Iterator[Collector]:
    with http_collector() as running:
        yield running


@pytest.fixture
def up(tmp_path: Path, free_port: Callable[[], int], collector: Collector, provider: Provider) -> Iterator[Up]:
    extra = {
        "TRACER_UI": "true",
        "TRACER_UI_PORT": str(free_port()),
        "TRACER_UPSTREAM_OPENAI": provider.url,
        "TRACER_KEY_MISTRAL_AI": "CANARY-of-the-operator",
        **{f"TRACER_UPSTREAM_{slug}": provider.url for slug in ("MISTRAL_AI", "GOOGLE", "ANTHROPIC", "BEDROCK")},
        "TRACER_WORKERS": "1",
        "TRACER_LOG_LEVEL": "debug",
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
    }
    (tmp_path / "data").mkdir()  # as an operator's mkdir or a volume makes it: for everybody to look into
    with Up(tmp_path, free_port(), free_port(), extra) as running:
        yield running


async def left_open(up: Up, provider: Provider) -> list[Wire]:
    """Calls that wait for their provider, canaries and all."""
    provider.always(raw(STALL), "/v1/wait")
    held = []
    for name in HEADERS:
        held.append(await connect(up.port))
        await held[-1].write(asking("/v1/wait", [name]))
    await provider.until(lambda: sum(one.path == "/v1/wait" and one.complete for one in provider.requests) == len(HEADERS))
    return held


def stored(up: Up) -> int:
    return int(up.query("SELECT count() FROM llm.calls") or 0)


def noted(up: Up) -> int:
    """How many of those calls will have a row if the worker dies now."""
    return sum(notes.read_bytes().count(b"/v1/wait") for notes in (up.directory / "data").rglob(NOTES))


def page(up: Up, path: str) -> bytes:
    url = f"http://127.0.0.1:{up.extra['TRACER_UI_PORT']}{path}"
    try:
        with urllib.request.urlopen(url, timeout=20) as answer:
            return bytes(answer.read())
    except urllib.error.HTTPError as answer:
        return bytes(answer.read())


def open_to_others(directory: Path) -> Iterator[Path]:
    """Files that another user of the machine may read."""
    for path in directory.iterdir():
        if path.is_symlink():
            continue
        if path.is_dir() and path.stat().st_mode & 0o005:
            yield from open_to_others(path)
        elif path.is_file() and path.stat().st_mode & 0o004:
            yield path


def found(data: bytes | str) -> set[bytes]:
    """Canaries in it, each with a little of what stands around it."""
    text = data.encode() if isinstance(data, str) else data
    return set(re.findall(rb"[^\x00]{0,40}CANARY[^\x00]{0,30}", text))


async def test_no_canary_in_anything_that_is_kept_sent_or_shown(up: Up, provider: Provider, collector: Collector) -> None:
    provider.always(repeats)
    count = 0
    for names in (list(HEADERS), *([name] for name in HEADERS)):
        for path in ("/v1/chat/completions", "/v1/responses/stream", "/v1/x/error", "/proxy/mistral-ai/v1/x"):
            got = await ask(up.port, asking(path, names))
            assert got.status in (200, 400, 401), (path, names, got.body)
            count += 1
    held = await left_open(up, provider)
    await asyncio.to_thread(until, lambda: noted(up) >= len(held), "notes of what is open")
    await asyncio.to_thread(until, lambda: stored(up) >= count, "rows of what was answered")
    count += len(held)
    worker = up.children()["worker"][0]
    os.kill(worker, signal.SIGABRT)  # as a fault inside of C code would
    await asyncio.to_thread(until, lambda: worker not in up.children().get("worker", [worker]), "the worker is gone")
    for one in held:
        one.writer.close()
    await asyncio.to_thread(until, lambda: stored(up) >= count, "rows")
    await asyncio.to_thread(until, lambda: len(collector.spans()) >= count, "spans")

    assert not list(open_to_others(up.directory / "data"))
    kept: dict[str, set[bytes]] = {}
    for table in TABLES:
        rows = await asyncio.to_thread(up.query, f"SELECT * FROM llm.{table} FORMAT JSONEachRow")
        assert rows or table not in ("calls", "bodies", "otel_traces")
        kept[table] = found(rows)
    call_ids = (await asyncio.to_thread(up.query, "SELECT call_id FROM llm.calls LIMIT 8")).split()
    for path in (*PAGES, *(f"/calls/{call_id}" for call_id in call_ids)):
        kept[path] = found(await asyncio.to_thread(page, up, path))
    kept["log"] = found(up.log)
    kept["spans"] = found(b"".join(one.SerializeToString() for one in collector.requests))
    kept["metrics"] = found((await ask(up.port, request(target="/metrics", headers=["Connection: close"]))).body)
    for path in up.directory.rglob("*"):
        if path.is_file():
            with contextlib.suppress(FileNotFoundError):
                kept[str(path.relative_to(up.directory))] = found(path.read_bytes())
    assert {where: sorted(what)[:5] for where, what in kept.items() if what} == {}
    assert b"****" in (await asyncio.to_thread(page, up, f"/calls/{call_ids[0]}"))


@pytest.mark.parametrize("secret", ["sk-CANARY-authorization", "CANARY-x-api-key"])
async def test_what_is_cut_is_hidden_first(proxy: Proxy, secret: str) -> None:
    """Values that are kept to a length: the beginning of a secret that stands across it is secret too."""
    headers = ["Connection: close", f"Authorization: Bearer {secret}", f"x-api-key: {secret}"]
    for before in range(128 - len(secret), 128):
        said = "x" * before + secret
        metadata = json.dumps({"_user": said, "k": said, said: "v"})
        data = request(
            headers=[*headers, f"x-portkey-metadata: {metadata}", f"baggage: k2={said},user={said}", f"User-Agent: {said}"]
        )
        await ask(proxy.port, data)
    for exchange in await proxy.exchanges(len(secret)):
        assert not found(repr(exchange))
