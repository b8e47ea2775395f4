"""The way to ClickHouse: to a running store, to a stopped one, to a server, to nothing."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.store.running import RunningStore
from tracer import config
from tracer.config import Settings
from tracer.store import client
from tracer.store.secret import password

Load = Callable[..., Settings]


def answer(settings: Settings, sql: str, *how: object) -> bytes:
    return b"".join(client.run_query(settings, sql, *how))  # type: ignore[arg-type]


def test_formats_and_bound_values(store: RunningStore) -> None:
    assert answer(store.settings, "SELECT 1") == b"1\n"
    assert answer(store.settings, "SELECT 1 AS a", "JSONEachRow") == b'{"a":1}\n'
    assert answer(store.settings, "SELECT 1 AS a FORMAT CSV") == b"1\n"
    bound = {"a": "it's", "b": "2026-01-02 03:04:05"}
    assert answer(store.settings, "SELECT {a:String}, {b:DateTime}", "CSV", bound) == b'"it\'s","2026-01-02 03:04:05"\n'
    large = answer(store.settings, "SELECT number FROM numbers(1000000)")
    assert large.count(b"\n") == 1_000_000


def test_refusals_are_clickhouses_words(store: RunningStore) -> None:
    with pytest.raises(client.QueryFailed) as caught:
        answer(store.settings, "SELECT nope")
    assert caught.value.code == 47
    assert "for url" not in str(caught.value)


def test_the_same_answers_while_tracer_is_not_running(tmp_path: Path) -> None:
    running = RunningStore(tmp_path / "data")
    questions = [
        ("SELECT count(), {a:String} FROM llm.calls", "JSONEachRow", {"a": "it's\n"}),
        ("SELECT timezone() FORMAT CSV", None, None),
    ]
    with running:
        live = [answer(running.settings, *question) for question in questions]
    assert [answer(running.settings, *question) for question in questions] == live
    for wrong in ("SELECT nope", "DROP TABLE llm.calls", "SELECT file('/etc/passwd')"):
        with pytest.raises(client.QueryFailed):
            answer(running.settings, wrong)
    with running:  # the directory was let go
        assert answer(running.settings, "SELECT 1") == b"1\n"


def test_nothing_to_ask(load_settings: Load) -> None:
    settings = load_settings()
    with pytest.raises(
        client.StoreUnavailable, match=rf"127.0.0.1:{settings.store_port}/: nothing answers.*holds no store yet"
    ):
        answer(settings, "SELECT 1")
    assert not (settings.data_dir / "store").exists()
    assert "start it with `tracer up`" in str(client.fault(settings))


def test_a_store_that_is_elsewhere_but_holds_the_directory(store: RunningStore, free_port: Callable[[], int]) -> None:
    moved = config.load({**store.environ, "TRACER_STORE_PORT": str(free_port())})[0]
    with pytest.raises(client.StoreUnavailable, match=r"another process has .* open"):
        answer(moved, "SELECT 1")


def test_a_server_by_its_dsn(store: RunningStore, load_settings: Load) -> None:
    settings = load_settings(TRACER_CLICKHOUSE=f"http://default:@127.0.0.1:{store.port}/llm")
    assert answer(settings, "SELECT currentDatabase()") == b"llm\n"
    assert client.fault(settings) is None


@pytest.mark.parametrize(
    ("dsn", "message"),
    [
        (
            "http://u:s3cret@127.0.0.1:9/",
            r"http://127.0.0.1:9/ \(TRACER_CLICKHOUSE\): nothing answers; check TRACER_CLICKHOUSE",
        ),
        ("https://u:s3cret@127.0.0.1:9/", r"https://127.0.0.1:9/ .*nothing answers"),
        ("tcp://u:s3cret@127.0.0.1:9000/", "should be http://user:password@host:8123/"),
        ("chdb:///s3cret", "should be http://"),
        ("s3cret", "should be http://"),
    ],
)
def test_a_dsn_that_does_not_answer(load_settings: Load, dsn: str, message: str) -> None:
    with pytest.raises(client.StoreUnavailable, match=message) as caught:
        answer(load_settings(TRACER_CLICKHOUSE=dsn), "SELECT 1")
    assert "s3cret" not in str(caught.value)


def test_a_dsn_that_refuses(store: RunningStore, load_settings: Load) -> None:
    settings = load_settings(TRACER_CLICKHOUSE=f"http://tracer:s3cret@127.0.0.1:{store.port}/")
    fault = str(client.fault(settings))
    assert "it refused: " in fault
    assert "Authentication failed" in fault
    assert "s3cret" not in fault


def test_a_proxy_of_the_environment_is_not_asked_for_the_own_machine(
    store: RunningStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    assert answer(store.settings, "SELECT 1") == b"1\n"


def test_every_interface_means_this_machine(store: RunningStore) -> None:
    everywhere = config.load({**store.environ, "TRACER_HOST": "0.0.0.0"})[0]
    assert client.address(everywhere) == store.url
    assert answer(everywhere, "SELECT 1") == b"1\n"


def test_who_reads_has_a_dsn_of_its_own(tmp_path: Path, load_settings: Load) -> None:
    with RunningStore(tmp_path / "data", {"TRACER_STORE_USERS": "eve=r3ads"}) as running:
        where = f"127.0.0.1:{running.port}/"
        writer = f"http://tracer:{password(running.settings.data_dir)}@{where}"
        settings = load_settings(TRACER_CLICKHOUSE=writer, TRACER_CLICKHOUSE_READER=f"http://eve:r3ads@{where}")
        assert answer(settings, "SELECT currentUser()") == answer(running.settings, "SELECT currentUser()")
        assert answer(settings, "SELECT count() FROM llm.calls") == b"0\n"
        with pytest.raises(client.QueryFailed, match="readonly mode"):
            answer(settings, "TRUNCATE TABLE llm.calls")
        with client.connect(settings, write=True) as writing, client.connect(settings, write=False) as reading:
            writing.command("CREATE TABLE llm.mine (a UInt8) ENGINE = Memory")
            assert not client.is_fenced(reading)
        wrong = load_settings(TRACER_CLICKHOUSE=writer, TRACER_CLICKHOUSE_READER=f"http://eve:s3cret@{where}")
        with pytest.raises(
            client.StoreUnavailable, match=r"\(TRACER_CLICKHOUSE_READER\): it refused: .* or unset it to read"
        ) as caught:
            answer(wrong, "SELECT 1")
        assert "s3cret" not in str(caught.value)
        assert client.fault(wrong) is None  # rows are still written


@pytest.mark.parametrize("names", [("TRACER_CLICKHOUSE",), ("TRACER_CLICKHOUSE", "TRACER_CLICKHOUSE_READER")])
def test_a_reader_who_could_write_is_kept_from_it(store: RunningStore, load_settings: Load, names: tuple[str, ...]) -> None:
    dsn = f"http://tracer:{password(store.settings.data_dir)}@127.0.0.1:{store.port}/"
    settings = load_settings(**dict.fromkeys(names, dsn))
    with client.connect(settings, write=False) as reading:
        assert client.is_fenced(reading)
    for statement in (
        "TRUNCATE TABLE llm.calls",
        "INSERT INTO llm.calls (user) VALUES ('x')",
        "SELECT 1 SETTINGS readonly = 0",
    ):
        with pytest.raises(client.QueryFailed, match="readonly"):
            answer(settings, statement)
    assert answer(settings, "SELECT 1 SETTINGS max_threads = 1") == b"1\n"
