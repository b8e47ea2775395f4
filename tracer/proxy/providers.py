"""Known providers: where their APIs live, OpenAI-compatible and native, and how they differ at the wire.

Slugs are Portkey's. An origin can be replaced, or a provider added, by TRACER_UPSTREAM_<PROVIDER>; a provider without a
fixed origin (Azure, self-hosted) needs that. docs/providers.md is written from this table.

Of an origin with `{region}` the region comes from the request: for Vertex AI from its path, for Bedrock from the signature.

`stream_usage` says whether Tracer may ask for usage on a stream whose caller did not
    ASK        the provider takes `stream_options.include_usage` and sends no usage otherwise
    SENT       it sends usage without being asked; asking is pointless
    REFUSES    it answers 4xx to the option
What is not in the table is taken for ASK: that is what OpenAI-compatible servers do (vLLM, llama.cpp, LM Studio, SGLang); one
that refuses is asked again without, and remembered (forward.py).
"""

from dataclasses import dataclass
from enum import Enum


class StreamUsage(Enum):
    ASK = "ask"
    SENT = "sent"
    REFUSES = "refuses"


@dataclass(frozen=True, slots=True)
class Provider:
    """`origin` may be None; `api_path` stands for `/v1` of the OpenAI door; `key_header` carries a server-side key.

    `native` is the origin of the provider's own API where that is another one, `native_key` the header of a key there.
    """

    origin: str | None
    api_path: str = "/v1"
    key_header: str = "Authorization"
    stream_usage: StreamUsage = StreamUsage.ASK
    native: str | None = None
    native_key: str = ""

    @property
    def self_hosted(self) -> bool:
        return self.origin is not None and self.origin.startswith("http://localhost")

    @property
    def native_origin(self) -> str | None:
        return self.native or self.origin

    @property
    def native_key_header(self) -> str:
        return self.native_key or self.key_header


_ASK, _SENT, _REFUSES = StreamUsage.ASK, StreamUsage.SENT, StreamUsage.REFUSES

PROVIDERS: dict[str, Provider] = {
    "openai": Provider("https://api.openai.com"),
    "azure-openai": Provider(None, "/openai/v1", key_header="api-key"),
    "anthropic": Provider("https://api.anthropic.com", native_key="x-api-key"),
    "google": Provider(
        "https://generativelanguage.googleapis.com", "/v1beta/openai", stream_usage=_SENT, native_key="x-goog-api-key"
    ),
    "vertex-ai": Provider(None, "", stream_usage=_SENT, native="https://{region}-aiplatform.googleapis.com"),
    "bedrock": Provider(None, "/openai/v1", native="https://bedrock-runtime.{region}.amazonaws.com"),
    "groq": Provider("https://api.groq.com", "/openai/v1", stream_usage=_SENT),  # x_groq.usage on the last chunk
    "mistral-ai": Provider("https://api.mistral.ai", stream_usage=_REFUSES),  # 422 extra_forbidden
    "cohere": Provider("https://api.cohere.ai", "/compatibility/v1", stream_usage=_REFUSES, native="https://api.cohere.com"),
    "deepseek": Provider("https://api.deepseek.com", ""),
    "x-ai": Provider("https://api.x.ai"),
    "openrouter": Provider("https://openrouter.ai", "/api/v1", stream_usage=_SENT),
    "together-ai": Provider("https://api.together.xyz", stream_usage=_SENT),
    "fireworks-ai": Provider("https://api.fireworks.ai", "/inference/v1", stream_usage=_SENT),
    "perplexity-ai": Provider("https://api.perplexity.ai", "", stream_usage=_SENT),
    "cerebras": Provider("https://api.cerebras.ai"),
    "huggingface": Provider("https://router.huggingface.co"),
    "nvidia": Provider("https://integrate.api.nvidia.com"),
    "sambanova": Provider("https://api.sambanova.ai"),
    "scale": Provider("https://api.egp.scale.com", "", key_header="x-api-key"),  # SGP itself; its own paths (tracer/scale)
    "ollama": Provider("http://localhost:11434"),
    "lmstudio": Provider("http://localhost:1234"),
    "vllm": Provider("http://localhost:8000"),
}

# For a slug that only the configuration knows.
UNLISTED = Provider(None)
