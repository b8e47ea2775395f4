"""What is wrong is said before anything starts, a line for each."""

from collections.abc import Callable

import pytest

from tracer import preflight
from tracer.config import ConfigError, Settings

Load = Callable[..., Settings]
DSN = "http://user:s3cret@127.0.0.1:9/"


def faults(settings: Settings) -> list[str]:
    try:
        preflight.check(settings)
    except ConfigError as error:
        return str(error).splitlines()
    return []


def test_nothing_is_wrong(load_settings: Load) -> None:
    assert faults(load_settings()) == []
    assert faults(load_settings(TRACER_CLICKHOUSE=DSN, TRACER_CLICKHOUSE_READER=DSN)) == []


def test_a_reader_needs_a_writer(load_settings: Load) -> None:
    (line,) = faults(load_settings(TRACER_CLICKHOUSE_READER=DSN))
    assert line.startswith("TRACER_CLICKHOUSE_READER: should stand beside TRACER_CLICKHOUSE")


def test_without_an_engine_there_must_be_a_server(load_settings: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "find_spec", lambda name: None if name == "chdb" else pytest.fail(name))
    (line,) = faults(load_settings())
    assert line.startswith("TRACER_CLICKHOUSE: should name a server, because no embedded store is installed here")
    assert faults(load_settings(TRACER_CLICKHOUSE=DSN)) == []
