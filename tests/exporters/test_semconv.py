"""Holds the names together: what semconv.py lists, what is sent, what the package says, what docs/spans.md says."""

import re
from pathlib import Path

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.semconv._incubating.attributes import (
    gen_ai_attributes,
    openai_attributes,
    session_attributes,
    user_attributes,
)
from opentelemetry.semconv._incubating.metrics import gen_ai_metrics
from opentelemetry.semconv.attributes import error_attributes, http_attributes, server_attributes

from exporters import messages, semconv
from exporters.appspan import app_attributes
from exporters.instruments import Instruments
from tests.exporters.otlp_samples import content, full_call
from tests.exporters.spans import attributes
from tests.store.samples import full_app_span

DOC = (Path(__file__).parents[2] / "docs/spans.md").read_text()
PACKAGE = {
    name: value
    for room in (
        gen_ai_attributes,
        openai_attributes,
        session_attributes,
        user_attributes,
        gen_ai_metrics,
        error_attributes,
        http_attributes,
        server_attributes,
    )
    for name, value in vars(room).items()
    if name.isupper() and isinstance(value, str)
}
OURS = {
    name: value
    for name, value in vars(semconv).items()
    if name.isupper() and isinstance(value, str) and value in semconv.ATTRIBUTES | semconv.METRICS
}
# At the pinned commit, and unknown to opentelemetry-semantic-conventions 0.66b2.
NEWER_THAN_THE_PACKAGE = {
    "gen_ai.prompt.version",
    "gen_ai.usage.cache_write.input_tokens",
    "gen_ai.usage.audio.input_tokens",
    "gen_ai.usage.audio.output_tokens",
    "gen_ai.usage.image.input_tokens",
}


def test_names_that_the_package_has_too_are_equal() -> None:
    common = OURS.keys() & PACKAGE.keys()
    assert {name: OURS[name] for name in common} == {name: PACKAGE[name] for name in common}
    assert len(common) > 35


def test_no_name_is_invented_under_somebody_elses_prefix() -> None:
    unknown = semconv.ATTRIBUTES - set(PACKAGE.values()) - semconv.OWN - semconv.FOREIGN
    assert unknown == NEWER_THAN_THE_PACKAGE
    assert all(name.startswith("tracer.") for name in semconv.OWN)
    old = semconv.METRICS & set(PACKAGE.values())
    assert all(name.startswith("gen_ai.client.inference.") for name in semconv.METRICS - old)
    assert len(old) == 4


def test_a_name_is_in_one_group() -> None:
    groups = (semconv.STABLE, semconv.DEVELOPMENT, semconv.LEGACY, semconv.FOREIGN, semconv.OWN)
    assert sum(map(len, groups)) == len(semconv.ATTRIBUTES)


def test_what_is_listed_is_sent_and_what_is_sent_is_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    spoken = full_call(content=content('{"instructions":"Be brief.","input":"Hi","tools":[{"type":"web_search"}]}'))
    sent = set(attributes(spoken, with_content=True))
    monkeypatch.setattr(messages, "MAX_BYTES", 0)
    sent |= set(attributes(spoken, with_content=True))
    sent |= set(app_attributes(full_app_span(1), with_content=True))
    metadata = {name for name in sent if name.startswith(f"{semconv.TRACER_METADATA}.")}
    assert metadata == {"tracer.metadata.team"}
    assert sent - metadata == semconv.ATTRIBUTES


def test_the_metrics_listed_are_the_metrics_sent() -> None:
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader], Resource({}), shutdown_on_exit=False)
    Instruments(provider.get_meter("t")).record([full_call()])
    data = reader.get_metrics_data()
    provider.shutdown()
    assert data is not None
    found = data.resource_metrics[0].scope_metrics[0].metrics
    assert {metric.name for metric in found} == semconv.METRICS
    labels = {label for metric in found for point in metric.data.data_points for label in point.attributes or {}}
    assert labels - semconv.ATTRIBUTES == {semconv.GEN_AI_TOKEN_MODALITY, semconv.GEN_AI_TOKEN_TYPE}


@pytest.mark.parametrize(
    ("slug", "name"),
    [
        ("openai", "openai"),
        ("azure-openai", "azure.ai.openai"),
        ("google", "gcp.gemini"),
        ("vertex-ai", "gcp.vertex_ai"),
        ("bedrock", "aws.bedrock"),
        ("mistral-ai", "mistral_ai"),
        ("x-ai", "x_ai"),
        ("openrouter", "openrouter"),
    ],
)
def test_provider_names(slug: str, name: str) -> None:
    assert semconv.provider_name(slug) == name


def test_mapped_provider_names_are_well_known() -> None:
    known = {value.value for value in gen_ai_attributes.GenAiProviderNameValues} | {"moonshot_ai"}
    assert set(semconv._PROVIDER_NAMES.values()) <= known


def test_the_docs_table_is_the_list() -> None:
    rows = re.findall(r"^\| `([^`]+)` \| ([^|]+) \|", DOC, re.MULTILINE)
    attributes_there = [name for name, kind in rows if kind not in ("histogram", "counter")]
    metrics_there = [name for name, kind in rows if kind in ("histogram", "counter")]
    assert sorted(attributes_there) == sorted({*semconv.ATTRIBUTES, f"{semconv.TRACER_METADATA}.<key>"})
    assert sorted(metrics_there) == sorted(semconv.METRICS)
    assert semconv.COMMIT in DOC
    assert semconv.SCHEMA_URL in DOC


def test_the_docs_types_are_the_types_sent() -> None:
    kinds = {str: "string", bool: "bool", int: "int", float: "double", tuple: "string[]"}
    documented = dict(re.findall(r"^\| `([^`]+)` \| ([^|]+) \|", DOC, re.MULTILINE))
    sent = attributes(full_call(content=content()), with_content=True) | app_attributes(full_app_span(1), with_content=True)
    sent.pop("tracer.metadata.team")
    assert {name: kinds[type(value)] for name, value in sent.items()} == {name: documented[name] for name in sent}
