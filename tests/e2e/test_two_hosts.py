"""Two hosts, each a `tracer up` of two workers with files of its own, sharing one real Redis and one real PostgreSQL.

What one does the other knows, on each of its workers; whatever of the shared dies, calls go on.
"""

import asyncio
import http.client
import json
import os
import secrets
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import portkey_ai
import pytest

from tests.e2e.stack import Stack, tracer_up
from tests.ports import free_port
from tests.postgres import Postgresql
from tests.redis_server import RedisServer
from tracer.demo.processes import Child, answers, running

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
CHAT = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hi"}]}
SIMPLE = {"cache": {"mode": "simple"}}
PATIENCE_S = 30
# Each on a new connection, which the kernel gives to one of the two workers: how likely one is missed is 1 in 2^11.
ENOUGH = 12


class Got(NamedTuple):
    status: int
    cache: str | None
    body: Any


@dataclass(frozen=True)
class Host:
    port: int
    key: str

    def ask(self, method: str, path: str, body: object = None, key: str | None = None, **headers: str) -> Got:
        """One request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        own = {"Content-Type": "application/json", "x-portkey-api-key": self.key if key is None else key}
        try:
            connection.request(method, path, json.dumps(body) if body is not None else None, {**own, **headers})
            reply = connection.getresponse()
            return Got(reply.status, reply.getheader("x-portkey-cache-status"), json.loads(reply.read()))
        finally:
            connection.close()

    def rendered(self, name: str) -> object:
        """What the prompt says here; None while it is not known."""
        got = self.ask("POST", f"/v1/prompts/{name}/render", {"variables": {"x": "you"}})
        return got.body["data"]["messages"][0]["content"] if got.status == 200 else None

    def cached(self, namespace: str) -> Got:
        """A call that the cache may answer, to be told from others by its namespace."""
        config = {"x-portkey-config": json.dumps(SIMPLE), "x-portkey-cache-namespace": namespace}
        return self.ask("POST", "/v1/chat/completions", CHAT, **config)

    @contextmanager
    def sdk(self) -> Iterator[Any]:
        with portkey_ai.Portkey(base_url=f"http://127.0.0.1:{self.port}/v1", api_key=self.key) as client:
            yield client


@dataclass(frozen=True)
class Two:
    a: Host
    b: Host
    stack_a: Stack
    stack_b: Stack
    redis: RedisServer
    postgresql: Postgresql
    settings: dict[str, str]


def until(true: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline, f"not within {PATIENCE_S} s: {what}"
        time.sleep(0.05)


def on_every_worker(true: Callable[[], object], what: str) -> None:
    """Wait until it is true so many times in a row that each worker must have said so."""
    until(lambda: all(true() for _ in range(ENOUGH)), what)


@pytest.fixture(scope="module")
def ports() -> Callable[[], int]:
    return free_port


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory, ports: Callable[[], int], postgresql: Postgresql) -> Iterator[Two]:
    schema, folder, port = f"hosts_{secrets.token_hex(6)}", tmp_path_factory.mktemp("hosts"), ports()
    asyncio.run(postgresql.run(f"CREATE SCHEMA {schema}"))
    environ = {"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]}
    with RedisServer() as redis, running("provider", ["tests.provider", "--port", str(port)], environ, folder / "log") as child:
        child.wait_until(lambda: answers(port, "/v1/models"), PATIENCE_S)
        settings = {
            "TRACER_UPSTREAM_OPENAI": f"http://127.0.0.1:{port}",
            "TRACER_DATABASE": f"{postgresql.url('postgres')}?search_path={schema}",
            "TRACER_CACHE_URL": redis.url,
            "TRACER_WORKERS": "2",
            "TRACER_UI": "false",
        }
        for name in ("a", "b"):
            (folder / name).mkdir()
        with tracer_up(folder / "a", ports, settings) as a, tracer_up(folder / "b", ports, settings) as b:
            key = a.command("keys", "create", "--name", "admin", "--admin").strip()
            hosts = [Host(stack.port, key) for stack in (a, b)]
            for host in hosts:
                on_every_worker(lambda host=host: host.ask("GET", "/v1/labels").status == 200, "the key is known")  # type: ignore[misc]
            yield Two(*hosts, a, b, redis, postgresql, settings)


def test_a_prompt_made_at_one_host_is_called_at_the_other(two: Two) -> None:
    messages = [{"role": "user", "content": "Greet {{x}}"}]
    prompt = {"name": "greeting", "collection_id": "", "parameters": {"model": "gpt-4o-mini"}, "virtual_key": ""}
    with two.a.sdk() as sdk:
        slug = sdk.prompts.create(string=json.dumps(messages), **prompt).slug
    on_every_worker(lambda: two.b.rendered(slug) == "Greet you", "the prompt at the other host")
    with two.b.sdk() as sdk:
        answer = sdk.prompts.completions.create(prompt_id=slug, variables={"x": "you"})
    assert answer.choices[0].message.content

    messages[0]["content"] = "Hail {{x}}"
    with two.b.sdk() as sdk:
        sdk.prompts.update(slug, string=json.dumps(messages))
    on_every_worker(lambda: two.a.rendered(f"{slug}@latest") == "Hail you", "the new version")
    assert two.a.rendered(slug) == "Greet you"
    with two.b.sdk() as sdk:
        sdk.prompts.publish(slug, version=2)
    on_every_worker(lambda: two.a.rendered(slug) == "Hail you", "the published version")

    (label,) = [label for label in two.a.ask("GET", "/v1/labels").body["data"] if label["name"] == "staging"]
    version = two.a.ask("GET", f"/v1/prompts/{slug}/versions").body["data"][-1]
    assert version["prompt_version"] == 1
    assert two.a.ask("PUT", f"/v1/prompts/{slug}/versions/{version['id']}", {"label_id": label["id"]}).status == 200
    on_every_worker(lambda: two.b.rendered(f"{slug}@staging") == "Greet you", "the label")

    with two.a.sdk() as sdk:
        sdk.prompts.delete(slug)
    on_every_worker(lambda: two.b.rendered(slug) is None, "the end of the prompt")
    (row,) = two.stack_b.wait_for_calls(1, f"prompt_id = '{slug}'")
    assert (row["prompt_version"], row["outcome"]) == ("1", "ok")


def test_keys_of_one_host_open_and_close_both(two: Two) -> None:
    made = json.loads(two.stack_a.command("keys", "create", "--name", "k", "--tag", "team=x", "--format", "json"))

    def status(host: Host) -> int:
        return host.ask("POST", "/v1/chat/completions", CHAT, key=made["key"]).status

    for host in (two.a, two.b):
        on_every_worker(lambda host=host: status(host) == 200, "the new key is taken")  # type: ignore[misc]
    two.stack_a.command("keys", "revoke", made["id"])
    for host in (two.a, two.b):
        on_every_worker(lambda host=host: status(host) == 401, "the revoked key is refused")  # type: ignore[misc]
        assert host.ask("POST", "/v1/chat/completions", CHAT, key=made["key"]).body["error"]["code"] == "revoked_key"
        assert host.ask("POST", "/v1/chat/completions", CHAT, key="").body["error"]["code"] == "missing_key"


def test_a_saved_config_of_one_host_serves_at_the_other(two: Two) -> None:
    with two.a.sdk() as sdk:
        config = sdk.configs.create(name="cached", config=SIMPLE).slug

    def cache() -> str | None:
        return two.b.ask("POST", "/v1/chat/completions", CHAT, **{"x-portkey-config": config}).cache

    on_every_worker(lambda: cache() == "HIT", "the config at the other host")


def test_a_reply_of_one_host_is_a_hit_at_the_other_also_after_redis_died(two: Two) -> None:
    first = two.a.cached("shared")
    assert (first.status, first.cache) == (200, "MISS")
    # It is written behind the call's back.
    on_every_worker(lambda: two.b.cached("shared") == (200, "HIT", first.body), "the reply at the other host")

    two.redis.kill()
    try:
        for host in (two.a, two.b):
            for n in range(ENOUGH):
                # Each with a name of its own: a worker may answer from what it is still trying to write.
                got = host.cached(f"without-{host.port}-{n}")
                assert (got.status, got.cache) == (200, "MISS")
    finally:
        two.redis.start()  # empty

    on_every_worker(lambda: two.a.cached("again").cache == "HIT", "the cache is used again")
    on_every_worker(lambda: two.b.cached("again").cache == "HIT", "the cache is used again at the other host")
    assert two.a.cached("again").body == two.b.cached("again").body


def test_calls_go_on_without_postgresql(two: Two) -> None:
    prompt = {"name": "p", "string": json.dumps(CHAT["messages"]), "parameters": {"model": "gpt-4o-mini"}}
    slug = two.a.ask("POST", "/v1/prompts", prompt).body["slug"]
    for host in (two.a, two.b):
        on_every_worker(lambda host=host: host.rendered(slug) == "hi", "the prompt is known")  # type: ignore[misc]

    two.postgresql.kill()
    try:
        for host in (two.a, two.b):
            on_every_worker(lambda host=host: host.ask("GET", "/ready").status == 503, "not ready")  # type: ignore[misc]
            assert host.ask("GET", "/ready").body["registry"] == "cannot be read"
            for _ in range(ENOUGH):
                assert host.ask("POST", "/v1/chat/completions", CHAT).status == 200
                assert host.ask("POST", f"/v1/prompts/{slug}/completions", {}).status == 200
                assert host.ask("POST", "/v1/chat/completions", CHAT, key="tr-" + "0" * 33).status == 401
                for method, path in (("POST", "/v1/prompts"), ("GET", f"/v1/prompts/{slug}"), ("GET", "/v1/configs")):
                    got = host.ask(method, path, prompt if method == "POST" else None)
                    assert (got.status, got.body["message"]) == (503, "the registry's database does not answer")
    finally:
        two.postgresql.start()

    for host, other in ((two.a, two.b), (two.b, two.a)):
        on_every_worker(lambda host=host: host.ask("GET", "/ready").status == 200, "ready again")  # type: ignore[misc]
        made = host.ask("POST", "/v1/prompts", prompt)
        assert made.status == 200
        on_every_worker(lambda other=other, made=made: other.rendered(made.body["slug"]) == "hi", "new prompts again")  # type: ignore[misc]


def test_a_host_that_starts_without_postgresql_waits_and_lets_nobody_in(
    two: Two, tmp_path: Path, ports: Callable[[], int]
) -> None:
    port = ports()
    environ = {
        **os.environ,
        **two.settings,
        "TRACER_DATA_DIR": str(tmp_path / "data"),
        "TRACER_PORT": str(port),
        "TRACER_STORE_PORT": str(ports()),
    }

    def up(log: str) -> Any:
        return running("tracer up", ["tracer", "up"], environ, tmp_path / log)

    def waits(child: Child) -> bool:
        said = child.log.read_text()
        return all(f"worker {n}: waiting for the registry (PostgreSQL)" in said for n in (0, 1))

    two.postgresql.kill()
    try:
        with up("first.log") as stopped:
            stopped.wait_until(lambda: waits(stopped), PATIENCE_S)
        assert stopped.process.returncode == 0
        assert "killed" not in stopped.log.read_text()
        with up("log") as child:
            child.wait_until(lambda: waits(child), PATIENCE_S)
            said = child.log.read_text()
            assert "warning: registry postgresql://***@127.0.0.1" in said
            assert "no call is taken until it can" in said
            with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
                pass
            two.postgresql.start()
            child.wait_until(lambda: answers(port, "/ready"), PATIENCE_S)
            host = Host(port, two.a.key)
            on_every_worker(lambda: host.ask("POST", "/v1/chat/completions", CHAT).status == 200, "it serves")
            assert host.ask("POST", "/v1/chat/completions", CHAT, key="sk-whatever").status == 401
    finally:
        if not (two.postgresql.folder / "data" / "postmaster.pid").exists():
            two.postgresql.start()


def test_doctor_says_what_is_shared_and_whether_it_answers(two: Two) -> None:
    doctor = two.stack_b.command("doctor")
    assert "registry: postgresql://***@127.0.0.1" in doctor
    assert "callers need a key" in doctor
    assert f"cache: {two.redis.url}, for calls whose config asks for it" in doctor
