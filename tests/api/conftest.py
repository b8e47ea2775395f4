"""A store of this package's own, filled once with calls of known values."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.api.many_calls import fill, many_calls, opinions
from tests.store.running import RunningStore
from tracer.api.questions import Questions


@pytest.fixture(scope="package")
def filled_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStore]:
    """Nobody writes to it."""
    with RunningStore(tmp_path_factory.mktemp("filled")) as running:
        fill(running, many_calls(), opinions())
        yield running


@pytest.fixture
async def questions(filled_store: RunningStore) -> AsyncIterator[Questions]:
    asked = Questions(filled_store.settings)
    yield asked
    asked.close()
