"""Whose list, and which name in it: as callers, providers and routers write models."""

import pytest

from tests.sink.exchanges import STARTED_NS
from tracer.sink.list_prices import ListPrices

LISTED = ListPrices()
HAIKU = "regional.anthropic.claude-haiku-4-5-20251001-v1:0"
PROFILE = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/"


def found(provider: str, models: tuple[str, ...], host: str = "") -> str:
    """The list's id and its name of the model, or the reason why there is none."""
    priced = LISTED.find(provider, host, models, "", STARTED_NS)
    return priced if isinstance(priced, str) else f"{priced.tariff[0].provider}: {priced.tariff[0].model}"


@pytest.mark.parametrize(
    ("provider", "models", "expected"),
    [
        ("openai", ("openai/gpt-4o",), "openai: gpt-4o"),
        ("openai", ("ft:gpt-4o-mini-2024-07-18:acme::abc",), "openai: ft:gpt-4o-mini"),
        ("openai", ("gpt-5.2-20251211",), "openai: gpt-5.2"),
        ("azure-openai", ("gpt-4o-2024-08-06", "our-deployment"), "azure: gpt-4o"),
        ("together-ai", ("meta-llama/Llama-3.3-70B-Instruct-Turbo",), "together: meta-llama/Llama-3.3-70B-Instruct-Turbo"),
        ("fireworks-ai", ("accounts/fireworks/models/deepseek-v4-flash",), "fireworks: deepseek-v4-flash"),
        ("mistral-ai", ("mistral-small-latest",), "mistral: mistral-small-latest"),
        ("groq", ("openai/gpt-oss-120b",), "groq: openai/gpt-oss-120b"),
        ("google", ("models/gemini-2.5-flash",), "google: gemini-2.5-flash"),
        ("vertex-ai", ("publishers/google/models/gemini-2.5-flash",), "google: gemini-2.5-flash"),
        (
            "vertex-ai",
            ("projects/p/locations/l/publishers/anthropic/models/claude-sonnet-4-5@20250929",),
            "google: claude-sonnet-4-5",
        ),
        ("vertex-ai", ("google/gemini-2.5-flash",), "google: gemini-2.5-flash"),
        ("bedrock", ("claude-haiku-4-5-20251001", "us.anthropic.claude-haiku-4-5-20251001-v1:0"), f"aws: {HAIKU}"),
        ("bedrock", ("us.anthropic.claude-haiku-4-5-20251001-v1%3A0",), f"aws: {HAIKU}"),
        ("bedrock", (f"{PROFILE}eu.anthropic.claude-haiku-4-5-20251001-v1:0",), f"aws: {HAIKU}"),
        ("bedrock", ("bedrock/us.anthropic.claude-haiku-4-5-20251001-v1:0",), f"aws: {HAIKU}"),
        ("writer", ("palmyra-x4",), "aws: writer.palmyra-x4-v1:0"),
        ("bedrock-mantle", ("openai.gpt-oss-120b",), "aws: openai.gpt-oss-120b-1:0"),
        ("scale", ("openai/gpt-4o",), "openai: gpt-4o"),
        ("scale", ("gpt-4o-2024-08-06", "openai/gpt-4o"), "openai: gpt-4o"),
        ("scale", ("fireworks_ai/accounts/fireworks/models/deepseek-v4-flash",), "fireworks: deepseek-v4-flash"),
        ("litellm", ("xai/grok-4",), "x-ai: grok-4-0709"),
        (
            "huggingface",
            ("deepseek-ai/DeepSeek-R1", "deepseek-ai/DeepSeek-R1:together"),
            "huggingface_together: deepseek-ai/DeepSeek-R1",
        ),
    ],
)
def test_names_are_understood(provider: str, models: tuple[str, ...], expected: str) -> None:
    assert found(provider, models) == expected


def test_at_bedrock_the_region_that_was_asked_for_is_paid() -> None:
    models = ("claude-haiku-4-5-20251001", "global.anthropic.claude-haiku-4-5-20251001-v1:0")
    assert found("bedrock", models) == "aws: global.anthropic.claude-haiku-4-5-20251001-v1:0"


@pytest.mark.parametrize(
    ("host", "model", "expected"),
    [
        ("api.anthropic.com", "claude-sonnet-4-5", "anthropic: claude-sonnet-4-5"),
        ("bedrock-runtime.eu-central-1.amazonaws.com", "eu.anthropic.claude-haiku-4-5-20251001-v1:0", f"aws: {HAIKU}"),
        ("bedrock-mantle.us-east-1.api.aws", "openai.gpt-oss-120b", "aws: openai.gpt-oss-120b-1:0"),
        ("europe-west4-aiplatform.googleapis.com:443", "gemini-2.5-flash", "google: gemini-2.5-flash"),
        ("my-resource.openai.azure.com", "gpt-4o-2024-08-06", "azure: gpt-4o"),
        ("api.writer.com:443", "palmyra-x5", "aws: writer.palmyra-x5-v1:0"),
        ("gateway.example.com", "gpt-4o", "openai: gpt-4o"),  # a gateway before OpenAI
    ],
)
def test_the_host_says_whose_list_it_is(host: str, model: str, expected: str) -> None:
    assert found("openai", (model,), host) == expected


NOT_OPENAI = "model {} is not in the price list of openai, and {} is not OpenAI's"
ROUTER = "Hugging Face's router chose the provider; name it behind the model, such as `:together`"
PROFILE_OF_OURS = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc"
LLAMA, GPT_OSS, GLM = "meta-llama/Llama-3.2-1B", "openai/gpt-oss-120b", "zai-org/GLM-5"
MODAL = "someone--app.modal.run"
DEPLOYMENT = "accounts/fireworks/models/deepseek-v4-flash#accounts/me/deployments/d"


@pytest.mark.parametrize(
    ("provider", "host", "model", "reason"),
    [
        ("openai", "localhost:8000", LLAMA, NOT_OPENAI.format(LLAMA, "localhost:8000")),
        ("openai", "localhost:8000", GPT_OSS, NOT_OPENAI.format(GPT_OSS, "localhost:8000")),
        ("openai", MODAL, GLM, NOT_OPENAI.format(GLM, MODAL)),
        ("openai", "api.openai.com", "gpt-nothing", "model gpt-nothing is not in the price list of openai"),
        ("openai", "", "", "the model is unknown"),
        ("ollama", "localhost:11434", "gpt-4o", "ollama runs on a machine of your own"),
        ("vllm", "", "gpt-4o", "vllm runs on a machine of your own"),
        ("crusoe", "api.inference.crusoecloud.com", "zai/GLM-5.2", "no price list for provider crusoe"),
        ("", "", "gpt-4o", "no price list for provider unknown"),
        ("scale", "", "gpt-4o", "gpt-4o does not say whose it is"),
        ("huggingface", "", "deepseek-ai/DeepSeek-R1", ROUTER),
        ("huggingface", "", "a/b:fastest", ROUTER),
        ("huggingface", "", "a/b:hf-inference", "no price list for hf-inference at Hugging Face"),
        ("bedrock", "", PROFILE_OF_OURS, "a Bedrock application-inference-profile does not tell its model"),
        ("fireworks-ai", "", DEPLOYMENT, "a deployment of Fireworks is paid by the hour"),
        ("groq", "", "whisper-large-v3", "priced by the hour of audio, not by the token"),
        ("openai", "", "tts-1", "priced by the character, not by the token"),
        ("google", "", "gemma-3", "no price per token listed"),
    ],
)
def test_what_has_no_price_has_a_reason(provider: str, host: str, model: str, reason: str) -> None:
    assert found(provider, (model,) if model else (), host) == reason
