"""The store with 20,000 calls, once for all tests of this folder."""

from collections.abc import Iterator

import pytest

from tests.traffic.million import Traffic, million


@pytest.fixture(scope="session")
def few() -> Iterator[Traffic]:
    with million(small=True) as running:
        yield running
