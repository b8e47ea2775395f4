"""The store with a million calls, once for all tests of this folder, and the times of what was asked of it."""

from collections.abc import Iterator

import pytest

from tests.dashboards.asked import TIMES
from tests.traffic.million import Traffic, million


@pytest.fixture(scope="session")
def traffic() -> Iterator[Traffic]:
    """A million calls of 35 days, in a store of its own."""
    with million() as running:
        yield running


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How long each question took, in milliseconds."""
    if TIMES:
        terminalreporter.section("times of the boards' queries on a million calls, ms")
        for name, times in sorted(TIMES.items()):
            terminalreporter.write_line(f"{name:46}" + "".join(f"  {scope} {ms:6.0f}" for scope, ms in times.items()))
