"""The exporter as the sink uses it; at the end against collectors that are not ours."""

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import rotel
from oteltap import OtelTapHttpProtobufReceiver, OtelTapHttpProtobufReceiverSettings

from exporters import Permanent, Transient, otlp
from tests.exporters.otlp_samples import SPAN_ID, STARTED_NS, TRACE_ID, content, full_call, many
from tests.exporters.scripted_collector import Answer, Collector, grpc_collector, http_collector
from tracer import __version__
from tracer.config import ConfigError, Settings

Open = Callable[..., otlp.Otlp]


@pytest.fixture
def collector() -> Iterator[Collector]:
    with http_collector() as running:
        yield running


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch, load_settings: Callable[..., Settings]) -> Iterator[Open]:
    """The exporter under these OTEL_* variables; closed at the end."""
    made: list[otlp.Otlp] = []

    def make(**environ: str) -> otlp.Otlp:
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        made.append(otlp.open(load_settings(**environ)))
        return made[-1]

    yield make
    for exporter in made:
        exporter.close()


def traces_only(collector: Collector) -> dict[str, str]:
    return {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{collector.url}/v1/traces"}


def ids(collector: Collector) -> list[int]:
    return [int.from_bytes(span.span_id) for span in collector.spans()]


def test_one_span_per_call_and_the_metrics_at_the_end(collector: Collector, opened: Open) -> None:
    exporter = opened(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)
    exporter.export(many(5), "t")
    assert ids(collector) == [1, 2, 3, 4, 5]
    assert not collector.metric_names()
    exporter.close()
    assert "gen_ai.client.inference.duration" in collector.metric_names()


def test_only_the_signals_that_have_an_endpoint(collector: Collector, opened: Open) -> None:
    opened(**traces_only(collector)).export(many(1), "t")
    metrics_only = opened(OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=f"{collector.url}/v1/metrics", OTEL_TRACES_EXPORTER="none")
    metrics_only.export(many(1), "t")
    assert len(collector.spans()) == 1
    assert opened(OTEL_METRICS_EXPORTER="none", OTEL_TRACES_EXPORTER="none").export(many(1), "t") is None
    assert len(collector.requests) == 1


def test_content_only_on_request(collector: Collector, opened: Open) -> None:
    spoken = [full_call(content=content())]
    opened(**traces_only(collector)).export(spoken, "t")
    asking = {"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "SPAN_ONLY"}
    opened(**traces_only(collector), **asking).export(spoken, "t")
    without, with_content = ({a.key for a in span.attributes} for span in collector.spans())
    assert with_content - without == {"gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.tool.definitions"}


@pytest.mark.parametrize(
    ("environ", "name"),
    [
        ({}, "tracer"),
        ({"OTEL_SERVICE_NAME": "mine"}, "mine"),
        ({"OTEL_RESOURCE_ATTRIBUTES": "service.name=theirs,team=blue"}, "theirs"),
    ],
)
def test_who_we_are(monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], name: str) -> None:
    for variable, value in environ.items():
        monkeypatch.setenv(variable, value)
    attributes = otlp.own_resource().attributes
    assert attributes["service.name"] == name
    assert attributes["service.version"] == __version__
    assert attributes.get("team") == ("blue" if name == "theirs" else None)


def test_a_batch_goes_in_requests_of_bounded_size(collector: Collector, opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    exporter = opened(**traces_only(collector))
    exporter.export(many(otlp.MAX_SPANS * 2 + 1), "t")
    assert [len(r.resource_spans[0].scope_spans[0].spans) for r in collector.requests] == [512, 512, 1]
    collector.requests.clear()
    monkeypatch.setattr(otlp, "MAX_BYTES", 10_000)
    long = [*many(4), full_call(metadata={"k": "é" * 10_000}), *many(5)[4:]]
    opened(**traces_only(collector)).export(long, "u")
    assert [len(r.resource_spans[0].scope_spans[0].spans) for r in collector.requests] == [4, 1, 1]


def test_what_cannot_be_encoded_is_permanent(collector: Collector, opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exporters.attributes.encodable", lambda text: text)
    exporter = opened(**traces_only(collector))
    with pytest.raises(Permanent, match="encoded"):
        exporter.export([full_call(request_model="\ud800")], "t")
    assert not collector.requests


def test_a_batch_that_failed_goes_on_where_it_stopped(
    collector: Collector, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(otlp, "MAX_SPANS", 2)
    exporter = opened(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)
    collector.answers.extend([Answer(), Answer(503, {"retry-after": "9"})])
    with pytest.raises(Transient) as raised:
        exporter.export(many(5), "t")
    assert raised.value.retry_after_s == 9
    exporter.export(many(5)[1:], "t")  # the oldest call has passed the spool's age bound since
    assert ids(collector) == [1, 2, 3, 4, 3, 4, 5]
    exporter.close()
    assert counted(collector) == 5


def test_halves_of_a_batch_do_not_send_again_what_was_taken(
    collector: Collector, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(otlp, "MAX_SPANS", 2)
    exporter = opened(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)
    collector.answers.extend([Answer(), Answer(400)])
    with pytest.raises(Permanent):
        exporter.export(many(4), "t")
    collector.requests.clear()
    exporter.export(many(4)[:2], "t/0:2")
    exporter.export(many(4)[2:], "t/2:4")
    assert ids(collector) == [3, 4]
    exporter.close()
    assert counted(collector) == 4


def test_after_a_crash_the_batch_comes_again_whole_under_the_same_ids(collector: Collector, opened: Open) -> None:
    for _ in range(2):
        opened(**traces_only(collector)).export(many(3), "t")
    assert ids(collector) == [1, 2, 3, 1, 2, 3]


def test_no_more_calls_are_remembered_than_can_come_again(collector: Collector, opened: Open) -> None:
    exporter = opened(**traces_only(collector), TRACER_BATCH_ROWS="2")
    for i in range(10):
        exporter.export(many(20)[2 * i : 2 * i + 2], str(i))
    assert len(exporter._taken) == 4
    assert ids(collector) == list(range(1, 21))


def counted(collector: Collector) -> int:
    return sum(
        point.count
        for request in collector.requests
        if hasattr(request, "resource_metrics")
        for metric in request.resource_metrics[0].scope_metrics[0].metrics
        if metric.name == "gen_ai.client.operation.duration"
        for point in metric.histogram.data_points
    )


def test_a_batch_that_fails_and_then_arrives_is_counted_once(collector: Collector, opened: Open) -> None:
    exporter = opened(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)
    collector.answers.append(Answer(503))
    with pytest.raises(Transient):
        exporter.export(many(3), "t")
    exporter.export(many(3), "t")
    exporter.close()
    assert counted(collector) == 3


def test_a_variable_that_cannot_be_used_is_named(opened: Open) -> None:
    with pytest.raises(ConfigError, match="OTEL_EXPORTER_OTLP_COMPRESSION"):
        opened(
            OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:1",
            OTEL_EXPORTER_OTLP_PROTOCOL="grpc",
            OTEL_EXPORTER_OTLP_COMPRESSION="snappy",
        )


def test_grpc_by_protocol(opened: Open) -> None:
    with grpc_collector() as collector:
        exporter = opened(OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=collector.url, OTEL_EXPORTER_OTLP_PROTOCOL="grpc")
        exporter.export(many(2), "t")
        assert ids(collector) == [1, 2]


# --- real backends ---------------------------------------------------------------------------------------------------


async def test_oteltap_receives_span_and_metric(opened: Open, free_port: Callable[[], int]) -> None:
    port = free_port()
    async with OtelTapHttpProtobufReceiver(OtelTapHttpProtobufReceiverSettings(http_port=port)) as tap:
        exporter = opened(OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{port}")
        exporter.export([full_call()], "t")
        exporter.close()
        span = await tap.await_trace(lambda span: span.name == "chat gpt-4o", timeout=30)
        metric = await tap.await_metric(lambda metric: metric.name == "gen_ai.client.token.usage", timeout=30)
    assert (span.trace_id.hex(), span.span_id.hex()) == (TRACE_ID, SPAN_ID)
    assert span.start_time_unix_nano == STARTED_NS
    assert {point.sum for point in metric.histogram.data_points} == {100.0, 50.0}


@contextmanager
def rotel_agent(directory: Path, ports: dict[str, int]) -> Iterator[Path]:
    """Streamfold's collector, printing each span and metric to the file that is yielded."""
    printed = directory / "printed"
    binary = Path(rotel.__file__).parent / "rotel-agent"
    arguments = ["--exporter", "blackhole", "--debug-log", "traces", "--debug-log", "metrics"]
    arguments += ["--debug-log-verbosity", "detailed", "--pid-file", str(directory / "pid")]
    arguments += ["--log-file", str(directory / "log")]
    arguments += [part for name, port in ports.items() for part in (f"--otlp-{name}-endpoint", f"127.0.0.1:{port}")]
    with (
        printed.open("wb") as out,
        subprocess.Popen([binary, "start", *arguments], stdout=out, stderr=subprocess.STDOUT) as agent,
    ):
        try:
            wait_for(printed, "Starting Rotel")
            yield printed
        finally:
            agent.terminate()


def wait_for(file: Path, text: str) -> str:
    deadline = time.monotonic() + 30
    while text not in (found := file.read_text()):
        assert time.monotonic() < deadline, f"{text!r} not in: {found[-4000:]}"
        time.sleep(0.02)
    return found


def test_rotel_receives_over_http_and_grpc(tmp_path: Path, opened: Open, free_port: Callable[[], int]) -> None:
    ports = {"grpc": free_port(), "http": free_port()}
    with rotel_agent(tmp_path, ports) as printed:
        for protocol, port in (("http/protobuf", ports["http"]), ("grpc", ports["grpc"])):
            model = protocol.replace("/", "-")
            exporter = opened(OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{port}", OTEL_EXPORTER_OTLP_PROTOCOL=protocol)
            deliver(exporter, model)
            found = wait_for(printed, f"gen_ai.request.model: Str({model})")
            for line in (f"Trace ID       : {TRACE_ID}", f"ID             : {SPAN_ID}", f"Name           : chat {model}"):
                assert line in found
            exporter.close()
        wait_for(printed, "Name: gen_ai.client.inference.usage.input_tokens")


def deliver(exporter: otlp.Otlp, model: str) -> None:
    """As the drain does: again until the agent, which may still be starting, has taken it."""
    deadline = time.monotonic() + 30
    while True:
        try:
            return exporter.export([full_call(request_model=model)], model)
        except Transient:
            assert time.monotonic() < deadline
            time.sleep(0.05)
