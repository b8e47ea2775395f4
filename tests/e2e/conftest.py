"""What the end-to-end tests share: one real model, one `tracer up` before it, one OTLP collector behind it, for all of them.

Tests tell their rows apart by trace ids of their own.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.node import Node
from tests.e2e.stack import Stack, collector, tracer_up
from tests.ports import free_port
from tests.provider import Provider
from tracer.demo import model
from tracer.demo.processes import answers, running

PRICES = f'[[price]]\nprovider = "openai"\nmodel = "{model.NAME}"\ninput = "0.05"\ncache_read = "0.01"\noutput = "0.20"\n'


@pytest.fixture(scope="package")
def ports() -> Callable[[], int]:
    return free_port


@pytest.fixture(scope="package")
def model_port(tmp_path_factory: pytest.TempPathFactory, ports: Callable[[], int]) -> Iterator[int]:
    port = ports()
    log = tmp_path_factory.mktemp("model") / "log"
    with running("the model", ["tracer.demo.model", "--port", str(port)], {}, log) as child:
        child.wait_until(lambda: answers(port, "/health"), 60)
        yield port


@pytest.fixture(scope="package")
def witness_port(ports: Callable[[], int]) -> int:
    return ports()


@pytest.fixture
async def witness(witness_port: int) -> AsyncIterator[Provider]:
    """A scripted provider, the one custom host that may be named: it tells what of a request goes up."""
    async with Provider.start(witness_port) as provider:
        yield provider


@pytest.fixture(scope="package")
def spans_and_stack(
    tmp_path_factory: pytest.TempPathFactory, ports: Callable[[], int], model_port: int, witness_port: int
) -> Iterator[tuple[Path, Stack]]:
    """The file that the collector prints spans to, and Tracer. `dead` is a provider that nobody serves."""
    directory = tmp_path_factory.mktemp("stack")
    (directory / "prices.toml").write_text(PRICES)
    collector_port = ports()
    settings = {
        "TRACER_UPSTREAM": f"http://127.0.0.1:{model_port}/v1",
        "TRACER_UPSTREAM_DEAD": f"http://127.0.0.1:{ports()}",
        "TRACER_CUSTOM_HOSTS": f"127.0.0.1:{witness_port}",
        "TRACER_PRICES": str(directory / "prices.toml"),
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector_port}",
    }
    with collector(directory, collector_port) as spans, tracer_up(directory, ports, settings) as stack:
        yield spans, stack


@pytest.fixture
def stack(spans_and_stack: tuple[Path, Stack]) -> Stack:
    return spans_and_stack[1]


@pytest.fixture(scope="package")
def node() -> Node:
    return Node.ready()
