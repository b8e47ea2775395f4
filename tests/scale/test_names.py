"""Model names: which upstream, and which name there."""

import pytest

from tests.scale.doors import LOCAL, door, faults
from tracer.config import ConfigError
from tracer.proxy.refused import Refused
from tracer.proxy.route import Target
from tracer.scale.fields import Kind
from tracer.scale.names import VENDORS, kind_of, place
from tracer.scale.translate import ScaleDoor

# What TRACER_UPSTREAM_<NAME> must say for vendors without a fixed origin.
ORIGINS = {
    "azure-openai": "https://me.openai.azure.com",
    "vertex-ai": "https://vertex.example/v1/endpoints/openapi",
    "bedrock": "https://bedrock.example",
    **dict.fromkeys(("launch", "llmengine", "model-zoo"), "http://10.0.0.5:8000"),
}


def placed(model: str, at: ScaleDoor, named: Target | None = None) -> tuple[str, str, str, Kind]:
    """(provider asked for, upstream's slug, model there, kind)"""
    to = place(model, named, at.routes, at.deployed)
    return to.provider, to.target.slug, to.model, to.kind


def refused(model: str, at: ScaleDoor) -> Refused:
    with pytest.raises(Refused) as caught:
        placed(model, at)
    (fault,) = faults(caught.value)
    assert fault["loc"] == ["body", "model"]
    return caught.value


@pytest.mark.parametrize(
    ("model", "slug", "name", "kind"),
    [
        ("openai/gpt-4o", "openai", "gpt-4o", Kind.OPENAI),
        ("azure/my-deployment", "azure-openai", "my-deployment", Kind.OPENAI),
        ("anthropic/claude-sonnet-4-5", "anthropic", "claude-sonnet-4-5", Kind.ANTHROPIC),
        ("gemini/gemini-2.5-pro", "google", "gemini-2.5-pro", Kind.OTHER),
        ("vertex_ai/gemini-2.5-pro", "vertex-ai", "google/gemini-2.5-pro", Kind.OTHER),
        ("vertex_ai/meta/llama-4", "vertex-ai", "meta/llama-4", Kind.OTHER),
        ("cohere/command-r", "cohere", "command-r", Kind.OTHER),
        ("xai/grok-4", "x-ai", "grok-4", Kind.OTHER),
        ("bedrock/anthropic.claude-v2:1", "bedrock", "anthropic.claude-v2:1", Kind.OTHER),
        ("fireworks_ai/accounts/fireworks/models/x", "fireworks-ai", "accounts/fireworks/models/x", Kind.OTHER),
        ("launch/llama-3-8b", "launch", "llama-3-8b", Kind.SELF_HOSTED),
        ("llmengine/meta/llama", "llmengine", "meta/llama", Kind.SELF_HOSTED),
        ("model_zoo/x", "model-zoo", "x", Kind.SELF_HOSTED),
    ],
)
@pytest.mark.parametrize("default", ["openai", LOCAL])
def test_every_vendor_of_sgp(default: str, model: str, slug: str, name: str, kind: Kind) -> None:
    assert placed(model, door(default, upstreams=ORIGINS)) == (slug, slug, name, kind)


def test_the_table_of_vendors_is_sgps() -> None:
    hosted_elsewhere = {"openai", "cohere", "vertex_ai", "anthropic", "azure", "gemini", "bedrock", "xai", "fireworks_ai"}
    assert set(VENDORS) == {*hosted_elsewhere, "launch", "llmengine", "model_zoo"}


@pytest.mark.parametrize("vendor", ["launch", "llmengine", "model_zoo", "azure", "bedrock", "vertex_ai"])
def test_a_vendor_without_an_upstream_names_the_setting(vendor: str) -> None:
    refusal = refused(f"{vendor}/x", door("openai"))
    assert "TRACER_UPSTREAM_" + VENDORS[vendor].upper().replace("-", "_") in refusal.message
    assert refusal.kind == "unknown_provider"


@pytest.mark.parametrize("vendor", ["launch", "llmengine", "model_zoo"])
def test_models_that_scale_hosts_go_to_a_self_hosted_default(vendor: str) -> None:
    at = door()
    assert placed(f"{vendor}/meta/llama", at) == ("", "openai", "meta/llama", Kind.SELF_HOSTED)
    assert vendor in place(f"{vendor}/x", None, at.routes, {}).note


@pytest.mark.parametrize(
    "model", ["smollm2", "meta-llama/Llama-3-8B", "/models/llama.gguf", "google/gemma", "groq/x", "a/b/c", "nvidia/nemotron/"]
)
def test_a_self_hosted_default_gets_every_other_name_as_it_came(model: str) -> None:
    assert placed(model, door()) == ("", "openai", model, Kind.SELF_HOSTED)
    assert placed(model, door("vllm")) == ("", "vllm", model, Kind.SELF_HOSTED)


def test_a_default_whose_names_have_slashes_gets_them() -> None:
    assert placed("meta-llama/llama-3", door("openrouter")) == ("", "openrouter", "meta-llama/llama-3", Kind.OTHER)
    assert placed("hf.co/org/model", door("ollama")) == ("", "ollama", "hf.co/org/model", Kind.OTHER)


def test_in_front_of_openai_a_vendor_must_be_one() -> None:
    at = door("openai")
    assert placed("gpt-4o", at) == ("", "openai", "gpt-4o", Kind.OPENAI)
    assert placed("groq/llama-3", at) == ("groq", "groq", "llama-3", Kind.OTHER)
    assert placed("together_ai/meta-llama/x", at) == ("together-ai", "together-ai", "meta-llama/x", Kind.OTHER)
    assert "openai, cohere" in refused("meta-llama/Llama-3", at).message
    assert len(refused("x" * 10_000 + "/y", at).message) < 500


@pytest.mark.parametrize("model", ["", "openai/", "azure/"])
def test_a_name_that_names_no_model(model: str) -> None:
    for default in ("openai", LOCAL):
        assert refused(model, door(default)).kind == "invalid_request"


def test_a_provider_that_only_the_configuration_knows_is_a_vendor() -> None:
    at = door(upstreams={"my-vllm": "http://10.0.0.7:8000"})
    for vendor in ("my-vllm", "my_vllm"):
        assert placed(f"{vendor}/org/model", at) == ("my-vllm", "my-vllm", "org/model", Kind.SELF_HOSTED)


def test_a_third_segment_is_a_deployment_only_where_configured() -> None:
    deployed = {"azure/gpt-4o/prod": "azure-openai/prod-eu", "launch/llama/blue": "blue/llama-3"}
    at = door(upstreams={**ORIGINS, "blue": "http://10.0.0.9:8000"}, scale_deployments=deployed)
    assert placed("azure/gpt-4o/prod", at) == ("azure-openai", "azure-openai", "prod-eu", Kind.OPENAI)
    assert placed("launch/llama/blue", at) == ("blue", "blue", "llama-3", Kind.SELF_HOSTED)
    assert placed("azure/gpt-4o/test", at) == ("azure-openai", "azure-openai", "gpt-4o/test", Kind.OPENAI)
    assert "prod-eu" in place("azure/gpt-4o/prod", None, at.routes, at.deployed).note


@pytest.mark.parametrize("meant", ["azure-openai", "nobody/x", "openai/", "", "/x"])
def test_a_deployment_that_leads_nowhere_stops_the_start(meant: str) -> None:
    with pytest.raises(ConfigError, match="TRACER_SCALE_DEPLOYMENTS"):
        door(scale_deployments={"a/b/c": meant})


def test_the_callers_own_choice_wins() -> None:
    at = door("openai")
    named = at.routes.targets
    assert placed("openai/gpt-4o", at, named["openrouter"]) == ("", "openrouter", "openai/gpt-4o", Kind.OTHER)
    assert placed("xai/grok-4", at, named["x-ai"]) == ("", "x-ai", "grok-4", Kind.OTHER)
    assert placed("anthropic/claude", at, named["openai"]) == ("", "openai", "anthropic/claude", Kind.OPENAI)  # OpenAI says no
    assert placed("openai/gpt-4o", at, named["scale"]) == ("", "scale", "openai/gpt-4o", Kind.SGP)
    host = Target("openai", named["openai"].provider, "http://10.0.0.1:8000/v1", custom=True)
    assert placed("meta/llama", at, host) == ("", "openai", "meta/llama", Kind.SELF_HOSTED)


def test_sgp_as_the_upstream_gets_the_name_as_it_came() -> None:
    assert placed("openai/gpt-4o", door("scale")) == ("", "scale", "openai/gpt-4o", Kind.SGP)
    assert placed("launch/x/y", door("scale")) == ("", "scale", "launch/x/y", Kind.SGP)
    assert placed("scale/openai/gpt-4o", door("openai")) == ("scale", "scale", "openai/gpt-4o", Kind.SGP)


@pytest.mark.parametrize(
    ("upstream", "settings", "kind"),
    [
        ("openai", {}, Kind.OPENAI),
        ("https://api.openai.com/v1", {}, Kind.OPENAI),
        ("openai", {"upstreams": {"openai": "http://gateway.corp/v1"}}, Kind.OPENAI),  # what stands for OpenAI is taken for it
        (LOCAL, {}, Kind.SELF_HOSTED),
        ("https://models.example.com/v1", {}, Kind.SELF_HOSTED),
        ("https://api.groq.com/openai/v1", {}, Kind.OTHER),
        ("https://api.anthropic.com/v1", {}, Kind.ANTHROPIC),
        ("https://api.egp.scale.com", {}, Kind.SGP),
        ("lmstudio", {}, Kind.OTHER),
        ("vllm", {}, Kind.SELF_HOSTED),
    ],
)
def test_kinds(upstream: str, settings: dict[str, dict[str, str]], kind: Kind) -> None:
    at = door(upstream, **settings)
    assert kind_of(at.routes.default, at.routes) is kind


def test_a_host_of_the_callers_is_its_own_server() -> None:
    at = door()
    target = Target("openai", at.routes.targets["openai"].provider, "http://10.0.0.1:8000/v1", custom=True)
    assert kind_of(target, at.routes) is Kind.SELF_HOSTED
