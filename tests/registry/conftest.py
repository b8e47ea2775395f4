"""A registry of each kind: the embedded SQLite, and a real PostgreSQL."""

from collections.abc import AsyncIterator, Callable

import pytest

from tracer.config import Settings
from tracer.registry.database import Database


@pytest.fixture(params=["sqlite", "postgresql"])
def registry_settings(request: pytest.FixtureRequest, load_settings: Callable[..., Settings]) -> Settings:
    """Settings of an empty registry."""
    if request.param == "sqlite":
        return load_settings()
    return load_settings(TRACER_DATABASE=request.getfixturevalue("postgresql_url"))


@pytest.fixture
async def database(registry_settings: Settings) -> AsyncIterator[Database]:
    """An open, empty registry."""
    opened = Database(registry_settings)
    await opened.open()
    yield opened
    await opened.close()
