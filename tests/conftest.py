"""Fixtures that every test may ask for, and the clean environment that every test gets."""

import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import hypothesis
import pytest

from tests import ports
from tests.postgres import postgresql, postgresql_url  # noqa: F401  (fixtures)
from tests.provider import Provider
from tests.store.running import empty_store, store  # noqa: F401  (fixtures)
from tracer import config

# Machines that run tests are slow at times, which says nothing about the code. In CI the examples are the same every time, so a
# change fails for what it changed; elsewhere they are new ones.
hypothesis.settings.register_profile(
    "tracer", deadline=None, derandomize="CI" in os.environ, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("tracer")

_NOT_OURS = ("OTEL_", "TRACER_", "OPENAI_", "PORTKEY_", "PROMETHEUS_MULTIPROC_DIR")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The first test that wants a store with many calls may have to make it (tests/traffic/million.py)."""
    for item in items:
        if {"traffic", "few"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.timeout(900))


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the machine that runs the tests reaches them (nor the processes that they start)."""
    for name in os.environ:
        if name.startswith(_NOT_OURS) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    """A scripted provider; the test fails if anything malformed reached it."""
    async with Provider.start() as running:
        yield running


@pytest.fixture
def free_port() -> Callable[[], int]:
    """A function that names a free port, never the same one twice."""
    return ports.free_port


@pytest.fixture
def load_settings(tmp_path: Path, free_port: Callable[[], int]) -> Callable[..., config.Settings]:
    """Settings as `tracer` would load them from an environment with these variables: own directory, free ports."""

    def load(**environ: str) -> config.Settings:
        file = tmp_path / "tracer.toml"  # empty unless the test writes it, so that one in the working directory is not read
        file.touch()
        own = {
            "TRACER_CONFIG": str(file),
            "TRACER_DATA_DIR": str(tmp_path / "data"),
            "TRACER_PORT": str(free_port()),
            "TRACER_STORE_PORT": str(free_port()),
            "TRACER_UI_PORT": str(free_port()),
        }
        settings, warnings = config.load({**own, **environ})
        assert not warnings
        return settings

    return load


@pytest.fixture
def settings(load_settings: Callable[..., config.Settings]) -> config.Settings:
    return load_settings()
