"""Settings: environment before file before defaults, and a mistake is named."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tracer import config
from tracer.config import ConfigError, Settings, load, shown
from tracer.otel import Otel

SECRET = "hunter2-very-secret"


def loaded(tmp_path: Path, file: str = "", **environ: str) -> Settings:
    path = tmp_path / "tracer.toml"
    path.write_text(file)
    settings, warnings = load(environ, path)
    assert not warnings
    return settings


def wrong(tmp_path: Path, file: str = "", **environ: str) -> str:
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, file, **environ)
    return str(caught.value)


def test_defaults(tmp_path: Path) -> None:
    settings = loaded(tmp_path)
    assert (settings.host, settings.port, settings.store_port, settings.workers) == ("127.0.0.1", 8787, 8123, 1)
    assert (settings.upstream, settings.custom_hosts, settings.clickhouse, settings.durability) == ("openai", (), None, "fast")
    assert settings.capture == "full"
    assert settings.data_dir.is_absolute()
    assert settings.otel == Otel()


def test_environment_wins_over_the_file(tmp_path: Path) -> None:
    file = 'port = 1000\nworkers = 2\ncustom_hosts = ["a", "b:1"]\nkeys = { groq = "g", openai = "o" }\n[upstreams]\nx-ai = "http://x"\n'
    settings = loaded(tmp_path, file, TRACER_PORT="2000", TRACER_KEY_OPENAI="ours", TRACER_UPSTREAM_MY_LLM="http://m")
    assert (settings.port, settings.workers, settings.custom_hosts) == (2000, 2, ("a", "b:1"))
    assert {slug: key.get_secret_value() for slug, key in settings.keys.items()} == {"groq": "g", "openai": "ours"}
    assert settings.upstreams == {"x-ai": "http://x", "my-llm": "http://m"}


@pytest.mark.parametrize(
    ("text", "size"),
    [("0", 0), ("123", 123), ("64MiB", 64 << 20), ("64 mib", 64 << 20), ("1KB", 1000), ("2gib", 2 << 30), ("5 GB", 5 * 10**9)],
)
def test_sizes(tmp_path: Path, text: str, size: int) -> None:
    assert loaded(tmp_path, TRACER_CAPTURE_BYTES=text).capture_bytes == size
    assert loaded(tmp_path, f'capture_bytes = "{text}"').capture_bytes == size


@pytest.mark.parametrize(("text", "parts"), [("", ()), ("a", ("a",)), (" a, b:1 ,,", ("a", "b:1"))])
def test_lists(tmp_path: Path, text: str, parts: tuple[str, ...]) -> None:
    assert loaded(tmp_path, TRACER_CUSTOM_HOSTS=text).custom_hosts == parts


def test_empty_means_unset_where_there_is_no_default(tmp_path: Path) -> None:
    settings = loaded(tmp_path, TRACER_CLICKHOUSE="", TRACER_PRICES="")
    assert (settings.clickhouse, settings.prices) == (None, None)


def test_paths_are_absolute(tmp_path: Path) -> None:
    settings = loaded(tmp_path, TRACER_DATA_DIR="~/x", TRACER_PRICES="prices.toml")
    assert settings.data_dir == Path.home() / "x"
    assert settings.prices == Path.cwd() / "prices.toml"


@pytest.mark.parametrize(
    ("environ", "says"),
    [
        ({"TRACER_PORT": "http"}, "TRACER_PORT (`port` in tracer.toml): "),
        ({"TRACER_PORT": "0"}, "TRACER_PORT"),
        ({"TRACER_PORT": ""}, "TRACER_PORT"),
        ({"TRACER_WORKERS": "1000"}, "TRACER_WORKERS"),
        ({"TRACER_DURABILITY": "Fast"}, "'fast' or 'strict'"),
        ({"TRACER_CAPTURE": "none"}, "'full' or 'metadata'"),
        ({"TRACER_CAPTURE_BYTES": "-1"}, "TRACER_CAPTURE_BYTES"),
        ({"TRACER_CAPTURE_BYTES": "64 parsecs"}, "TRACER_CAPTURE_BYTES"),
        ({"TRACER_CONNECT_TIMEOUT": "0"}, "TRACER_CONNECT_TIMEOUT"),
        ({"TRACER_SPOOL_MAX_AGE": "a week"}, "TRACER_SPOOL_MAX_AGE"),
        ({"TRACER_STORE_ALLOW_WRITES": "perhaps"}, "TRACER_STORE_ALLOW_WRITES"),
    ],
)
def test_a_wrong_value_is_named(tmp_path: Path, environ: dict[str, str], says: str) -> None:
    assert says in wrong(tmp_path, **environ)


def test_every_wrong_value_is_named_at_once(tmp_path: Path) -> None:
    said = wrong(tmp_path, TRACER_PORT="x", TRACER_WORKERS="y", TRACER_CAPTURE="z")
    assert [line.split()[0] for line in said.splitlines()] == ["TRACER_PORT", "TRACER_WORKERS", "TRACER_CAPTURE"]


@pytest.mark.parametrize(
    ("file", "says"),
    [
        ("prot = 1", "unknown setting `prot`; did you mean `port`?"),
        ("otel = {}", "unknown setting `otel`"),
        ("port = [1]", "TRACER_PORT"),
        ("port = ", "tracer.toml: "),
        ("keys = 'x'", "TRACER_KEYS"),
        ("upstreams = 'x'", "TRACER_UPSTREAMS"),
    ],
)
def test_a_wrong_file_is_named(tmp_path: Path, file: str, says: str) -> None:
    assert says in wrong(tmp_path, file, TRACER_KEY_GROQ="g", TRACER_UPSTREAM_GROQ="http://g")


def test_secrets_are_in_no_message_and_not_shown(tmp_path: Path) -> None:
    for file in (f"keys = {{ openai = ['{SECRET}'] }}", f"clickhouse = ['{SECRET}']", f"keys = ['{SECRET}']"):
        assert SECRET not in wrong(tmp_path, file)
    for dsn in (
        f"http://user:{SECRET}@host:8123/",
        f"http://user:with@{SECRET}@host/db",
        f"https://host/?user=u&password={SECRET}",
        f"http://{SECRET}@host",
    ):
        settings = loaded(tmp_path, TRACER_CLICKHOUSE=dsn, TRACER_KEY_OPENAI=SECRET)
        assert SECRET not in str(shown(settings))
        assert SECRET not in repr(settings)
        assert "host" in shown(settings)["clickhouse"]


def test_shown_is_everything(tmp_path: Path) -> None:
    assert set(shown(loaded(tmp_path))) == {*Settings.model_fields} - {"otel"}


def test_unknown_variables_are_warned_of(tmp_path: Path) -> None:
    path = tmp_path / "tracer.toml"
    path.touch()
    _, warnings = load({"TRACER_PROT": "1", "TRACER_CONFIG": str(path), "OTHER": "x", "TRACER_KEYS": "x"}, path)
    assert [warning.split()[0] for warning in warnings] == ["TRACER_PROT", "TRACER_KEYS"]
    assert "did you mean `TRACER_PORT`?" in warnings[0]


def test_where_the_file_is_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load({})[0].port == 8787  # none there: none needed
    (tmp_path / "tracer.toml").write_text("port = 1111")
    (tmp_path / "other.toml").write_text("port = 2222")
    assert load({})[0].port == 1111
    assert load({"TRACER_CONFIG": "other.toml"})[0].port == 2222
    assert load({"TRACER_CONFIG": "other.toml"}, tmp_path / "tracer.toml")[0].port == 1111
    with pytest.raises(ConfigError, match=r"missing\.toml: no such configuration file"):
        load({"TRACER_CONFIG": "missing.toml"})
    with pytest.raises(ConfigError, match="Is a directory"):
        load({}, tmp_path)


ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, Otel()),
        (ENDPOINT, Otel(traces=True, metrics=True)),
        ({**ENDPOINT, "OTEL_SDK_DISABLED": "TRUE"}, Otel()),
        ({**ENDPOINT, "OTEL_METRICS_EXPORTER": "none"}, Otel(traces=True)),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c/v1/traces"}, Otel(traces=True)),
        ({"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://c/v1/metrics"}, Otel(metrics=True)),
        (
            {**ENDPOINT, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
            Otel(traces=True, metrics=True, traces_protocol="grpc", metrics_protocol="grpc"),
        ),
        (
            {**ENDPOINT, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf"},
            Otel(traces=True, metrics=True, metrics_protocol="grpc"),
        ),
        ({"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "span_only"}, Otel(content=True)),
        ({"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "no_content"}, Otel()),
    ],
)
def test_otel_variables_keep_their_meaning(tmp_path: Path, environ: Mapping[str, str], expected: Otel) -> None:
    assert loaded(tmp_path, **environ).otel == expected


def test_settings_are_frozen(load_settings: Callable[..., Settings]) -> None:
    settings: Any = load_settings()
    with pytest.raises(ValueError, match="frozen"):
        settings.port = 1


def test_a_childs_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TRACER_PORT", "1")
    monkeypatch.chdir(tmp_path)
    made = config.child_environ(tmp_path / "metrics", Path("mine.toml"))
    assert (made["TRACER_PORT"], made["TRACER_CONFIG"]) == ("1", str(tmp_path / "mine.toml"))
    assert made["PROMETHEUS_MULTIPROC_DIR"] == str(tmp_path / "metrics")
    assert "TRACER_CONFIG" not in config.child_environ(tmp_path, None)
    alone = config.environment(TRACER_WORKERS="2")
    assert {name: text for name, text in alone.items() if name.startswith("TRACER_")} == {"TRACER_WORKERS": "2"}


def test_the_readers_dsn_of_a_file_goes_with_the_server_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "tracer.toml"
    file.write_text('clickhouse = "http://a:b@there:8123/"\nclickhouse_reader = "http://r:b@there:8123/"\n')

    def reader(**environ: str) -> str:
        found = load(environ, file)[0].clickhouse_reader
        return found.get_secret_value() if found else ""

    assert reader() == "http://r:b@there:8123/"
    assert reader(TRACER_CLICKHOUSE="http://a:b@elsewhere:8123/") == ""
    own = "http://r:b@elsewhere:8123/"
    assert reader(TRACER_CLICKHOUSE="http://a:b@elsewhere:8123/", TRACER_CLICKHOUSE_READER=own) == own
    assert reader(TRACER_CLICKHOUSE_READER="") == ""
