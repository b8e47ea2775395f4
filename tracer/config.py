"""Settings: one TOML file and TRACER_* environment variables, read once into a frozen value.

Precedence: environment, then the file, then the defaults below. This is the only module that reads the environment
(ruff's banned-api holds it); everything else takes Settings as an argument. The OTEL_* variables keep their standard meaning
and are read by OpenTelemetry's own exporters; what Tracer itself must know of them is in `Otel`.

A wrong value stops start-up with the setting's name and what it should be (ConfigError). An unknown key in the file is an
error too; an unknown TRACER_* variable is only a warning, since a shared environment may hold another program's.
"""

import difflib
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, SecretStr, ValidationError, field_validator

from tracer.otel import Otel, OtelError, read_otel
from tracer.setting_types import Expressions, Kinds, Listed, Pairs, Port, SecretPairs, Size


class ConfigError(Exception):
    """The configuration cannot be used; each line of the message names a setting and what it should be."""


class Settings(BaseModel, frozen=True, extra="forbid"):
    """All settings. A field's description is its line in docs/settings.md."""

    data_dir: Path = Field(
        Path("~/.local/share/tracer"),
        validate_default=True,
        description="Where the spool, the embedded store and the state live.",
    )
    host: str = Field("127.0.0.1", description="Address to listen on; 0.0.0.0 for every interface.")
    port: Port = Field(8787, description="Port of the proxy; 8787 is where Portkey's SDKs look by default.")
    store_port: Port = Field(8123, description="Port of the embedded store's ClickHouse HTTP interface.")
    ui: bool = Field(True, description="Whether `tracer up` serves pages in the browser (docs/pages.md).")
    ui_port: Port = Field(8788, description="Port of the pages.")
    ui_hosts: Listed = Field(
        (),
        description="Names that browsers may call the pages by, beside addresses and `localhost`, while no key is required.",
    )
    workers: Annotated[int, Field(ge=1, le=256)] = Field(1, description="Proxy processes on the one port.")
    upstream: str = Field("openai", description="Default upstream: a provider's slug, or a base URL with `/v1`.")
    custom_hosts: Listed = Field((), description="`host[:port]` list that `x-portkey-custom-host` may name; none by default.")
    clickhouse: SecretStr | None = Field(
        None, description="DSN of a ClickHouse server, `http://user:password@host:8123/`; unset = the embedded store."
    )
    clickhouse_reader: SecretStr | None = Field(
        None, description="DSN of the same ClickHouse for reading, of a user who cannot write; unset = that of `clickhouse`."
    )
    database: SecretStr | None = Field(
        None,
        description="PostgreSQL of prompts and keys, `postgresql://user:password@host/name`; unset = a file in `data_dir`.",
    )
    durability: Literal["fast", "strict"] = Field(
        "fast",
        description="`fast`: a reply may be some ms ahead of its record. `strict`: its last byte waits until that is on disk.",
    )
    capture: Literal["full", "metadata"] = Field(
        "full",
        description="`full` keeps bodies; `metadata` keeps none: their text is blanked before it reaches the disk.",
    )
    redact: Kinds = Field(
        (),
        description="Kinds of content to hide in what is stored: `keys`, `cards`, `email`, `phone`, `all` of these, `presidio` "
        "(docs/redaction.md); none by default.",
    )
    redact_patterns: Expressions = Field(
        {},
        description="Regular expressions to hide besides, by name; in the environment `TRACER_REDACT_PATTERN_<NAME>`.",
    )
    max_request_bytes: Size = Field(64 << 20, description="Largest request body; beyond it the answer is 413.")
    capture_bytes: Size = Field(
        4 << 20,
        description="Most bytes kept from the beginning of a body, media replaced by hashes; its last 256 KiB are always kept.",
    )
    connect_timeout: Annotated[float, Field(gt=0)] = Field(10.0, description="Seconds to open a connection to an upstream.")
    response_timeout: Annotated[float, Field(gt=0)] = Field(
        600.0, description="Seconds to wait for an upstream's response headers, and between two pieces of its body."
    )
    shutdown_grace: Annotated[float, Field(ge=0)] = Field(
        30.0, description="Seconds that calls in flight get to finish on SIGTERM."
    )
    propagate_traceparent: Listed = Field(
        (), description="Provider slugs (or `*`) that are sent a `traceparent` with Tracer's span as the parent."
    )
    spool_max_bytes: Size = Field(8 << 30, description="Most disk that undelivered records may take, over all workers.")
    spool_max_age: Annotated[float, Field(gt=0)] = Field(
        14 * 86400.0, description="Seconds after which an undelivered record is given up (counted)."
    )
    spool_full: Literal["drop_new", "drop_old"] = Field(
        "drop_old",
        description="What goes when the spool is at its bound, counted either way: the newest record or the oldest segment.",
    )
    segment_bytes: Size = Field(32 << 20, description="Size at which a spool file is closed and the next begun.")
    batch_rows: Annotated[int, Field(ge=1)] = Field(2000, description="Most calls in one batch to an exporter.")
    batch_bytes: Size = Field(32 << 20, description="Most spooled bytes in one batch to an exporter.")
    batch_wait: Annotated[float, Field(ge=0)] = Field(
        1.0, description="Seconds that a batch which is not full waits for more calls."
    )
    retention_days: Annotated[int, Field(ge=1)] = Field(90, description="Days that calls, feedback and spans are kept in SQL.")
    bodies_retention_days: Annotated[int, Field(ge=1)] = Field(
        30, description="Days that what was said is kept: `llm.bodies` and `llm.span_bodies`."
    )
    rollup_retention_days: Annotated[int, Field(ge=1)] = Field(
        730, description="Days that the sums by minute and hour are kept (`llm.calls_by_minute`, `llm.calls_by_hour`)."
    )
    store_memory: Size = Field(2 << 30, description="Memory limit of the embedded store's queries together.")
    store_allow_writes: bool = Field(
        False, description="Let the store's users write tables and read files; by default they can only query."
    )
    store_users: SecretPairs = Field(
        {},
        description="`name=password` list of the embedded store's users, who may query; unset = `default`, without a password.",
    )
    store_queries: Annotated[int, Field(ge=1, le=256)] = Field(
        4, description="Users' queries that the embedded store runs at once; each may take its share of `store_memory`."
    )
    store_queue_wait: Annotated[float, Field(ge=0)] = Field(
        30.0, description="Seconds that a query waits for its turn in the embedded store before it is refused."
    )
    store_query_seconds: Annotated[float, Field(ge=0)] = Field(
        60.0, description="Longest that a user's query may run in the embedded store; 0 = no bound."
    )
    store_result_bytes: Size = Field(
        4 << 30, description="Largest result of a user's query in the embedded store, before it is formatted; 0 = no bound."
    )
    cache: Literal["off", "simple"] = Field(
        "off", description="`simple`: every call may be answered from the cache; `off`: those whose `x-portkey-config` says so."
    )
    cache_url: SecretStr | None = Field(
        None, description="Redis as the cache of many hosts, `redis://user:password@host:6379/0`; unset = a file in `data_dir`."
    )
    cache_max_age: Annotated[int, Field(ge=1, le=90 * 86400)] | None = Field(
        None, description="Seconds that a cached reply serves, and the most that callers may ask for; unset = 7 days, no bound."
    )
    cache_max_bytes: Size = Field(1 << 30, description="Size of the cache's file; beyond it the oldest replies go.")
    cache_max_entry_bytes: Size = Field(1 << 20, description="Largest reply that is cached.")
    cache_wait: Annotated[float, Field(ge=0)] = Field(
        30.0, description="Seconds that a call waits for an identical one in flight, before it asks for itself; 0 = never."
    )
    prices: Path | None = Field(None, description="TOML or CSV file of your own prices, which win over every other source.")
    litellm_prices: Path | None = Field(
        None, description="JSON file of prices in LiteLLM's format, for models that no other source prices."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least severe log line to print.")
    upstreams: dict[str, str] = Field(
        {},
        description="Origin of a provider by slug; in the environment `TRACER_UPSTREAM_<PROVIDER>`, capitals, `_` for `-`.",
    )
    keys: dict[str, SecretStr] = Field(
        {},
        description="Key for a provider when a caller has none or an SDK's placeholder; `TRACER_KEY_<PROVIDER>` as a variable.",
    )
    require_key: Literal["auto", "always", "never"] = Field(
        "auto",
        description="Whether callers need a key of Tracer's own; `auto`: as soon as one was created (docs/keys.md).",
    )
    scale_deployments: Pairs = Field(
        {},
        description="Scale models that are deployments: `vendor/model/deployment=provider/model` list (see docs/scale.md).",
    )
    scale_old_vllm: Listed = Field(
        (),
        description="Provider slugs (or `*`) whose vLLM is older than 0.12: `guided_*` goes to them as it is.",
    )
    otel: Otel = Otel()

    @field_validator("database")
    @classmethod
    def _is_postgresql(cls, value: SecretStr | None) -> SecretStr | None:
        if value and not re.match(r"postgres(ql)?(\+asyncpg)?://", value.get_secret_value()):
            raise ValueError("should be postgresql://user:password@host:port/name")
        return value

    @field_validator("store_users")
    @classmethod
    def _are_users(cls, value: dict[str, SecretStr]) -> dict[str, SecretStr]:
        for name, password in value.items():
            if name in ("", "tracer", "tracer-reader") or not password.get_secret_value():
                raise ValueError("should be name=password, with both there; `tracer` and `tracer-reader` are Tracer's own")
        return value

    @field_validator("cache_url")
    @classmethod
    def _is_redis(cls, value: SecretStr | None) -> SecretStr | None:
        if value and not re.match(r"(rediss?|unix)://.", value.get_secret_value()):
            raise ValueError("should be redis://host:port/0, rediss:// for TLS, or unix:// and a path")
        return value

    @field_validator("data_dir", "prices", "litellm_prices")
    @classmethod
    def _expand(cls, value: Path | None) -> Path | None:
        return value.expanduser().absolute() if value else value


_BY_NAME = {"TRACER_UPSTREAM_": "upstreams", "TRACER_KEY_": "keys", "TRACER_REDACT_PATTERN_": "redact_patterns"}
_SECRET_URLS = ("clickhouse", "clickhouse_reader", "database", "cache_url")
_CONFIG_FILE = "TRACER_CONFIG"  # another path of tracer.toml
# Set by the supervisor for its children (metrics.py), so not a user's mistake.
_KNOWN = {_CONFIG_FILE}


def load(environ: Mapping[str, str] | None = None, file: Path | None = None) -> tuple[Settings, list[str]]:
    """Settings and warnings from `file` (default: $TRACER_CONFIG, else ./tracer.toml if there) and the environment.

    Raises ConfigError with one line for each wrong setting.
    """
    environ = os.environ if environ is None else environ
    if file is None and environ.get(_CONFIG_FILE):
        file = Path(environ[_CONFIG_FILE])
    values = _read_file(file or Path("tracer.toml"), required=file is not None)
    warnings: list[str] = []
    for name, text in environ.items():
        if name.startswith("TRACER_") and name not in _KNOWN:
            _place(name, text, values, warnings)
    if environ.get("TRACER_CLICKHOUSE") and "TRACER_CLICKHOUSE_READER" not in environ:
        values.pop("clickhouse_reader", None)  # the file's is a user of the file's server
    try:
        return Settings(**values, otel=read_otel(environ)), warnings
    except ValidationError as error:
        raise ConfigError("\n".join(_explain(e) for e in error.errors())) from None
    except OtelError as error:
        raise ConfigError(str(error)) from None


def environment(**variables: str) -> dict[str, str]:
    """This process's environment for a child process, with these TRACER_* variables in place of all that it has."""
    return {name: text for name, text in os.environ.items() if not name.startswith("TRACER_")} | variables


def _read_file(path: Path, required: bool) -> dict[str, Any]:
    try:
        values = tomllib.loads(path.read_text())
    except FileNotFoundError:
        if required:
            raise ConfigError(f"{path}: no such configuration file") from None
        return {}
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from None
    unknown = [key for key in values if key not in Settings.model_fields or key == "otel"]
    if unknown:
        raise ConfigError("\n".join(f"{path}: unknown setting `{key}`{_hint(key)}" for key in unknown))
    return values


def _place(name: str, text: str, values: dict[str, Any], warnings: list[str]) -> None:
    """Put one environment variable where it belongs in `values`, or say in `warnings` that it belongs nowhere."""
    key = name.removeprefix("TRACER_").lower()
    if key in Settings.model_fields and key not in ("otel", *_BY_NAME.values()):
        values[key] = text or None if key in (*_SECRET_URLS, "cache_max_age", "prices", "litellm_prices") else text
        return
    for prefix, field in _BY_NAME.items():
        if name.startswith(prefix):
            slug = name.removeprefix(prefix).lower().replace("_", "-")
            stored = values.get(field, {})
            # A file that has something else there is told so by the validation.
            values[field] = {**stored, slug: text} if isinstance(stored, dict) else stored
            return
    warnings.append(f"{name} is not a setting of Tracer and is ignored{_hint(key, 'TRACER_')}")


def _hint(key: str, prefix: str = "") -> str:
    close = difflib.get_close_matches(key, Settings.model_fields, n=1)
    name = close[0].upper() if prefix and close else close[0] if close else ""
    return f"; did you mean `{prefix}{name}`?" if close else ""


def _explain(error: Any) -> str:
    """One line for one of pydantic's errors; the value is left out where it may be a secret."""
    field = str(error["loc"][0])
    secret = field in ("keys", "store_users", *_SECRET_URLS)
    got = "" if secret else f", not {error['input']!r}"
    name = f"TRACER_{field.upper()}" + "".join(f".{part}" for part in error["loc"][1:])
    return f"{name} (`{field}` in tracer.toml): {error['msg']}{got}"


def child_environ(metrics_dir: Path, file: Path | None) -> dict[str, str]:
    """The environment of a child process: ours, where all of them share their metrics, and the file that was given."""
    given = {_CONFIG_FILE: str(file.absolute())} if file else {}
    return {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(metrics_dir), **given}


def shown(settings: Settings) -> dict[str, Any]:
    """Settings as `tracer config` prints them: plain values, secrets masked."""
    values = settings.model_dump(mode="json", exclude={"otel", *_SECRET_URLS})
    return values | {name: _masked_dsn(getattr(settings, name)) for name in _SECRET_URLS}


def _masked_dsn(dsn: SecretStr | None) -> str | None:
    if dsn is None:
        return None
    # A password may hold an @ of its own; options of the DSN may be secrets too.
    address, has_options, _ = dsn.get_secret_value().partition("?")
    return re.sub(r"//.*@", "//***@", address) + ("?***" if has_options else "")
