"""What the figures of a usage object mean: where each stands, what it holds and what it leaves out. One row a flavour.

tracer/sink/usage.py computes the exclusive buckets from these rows; nothing about a provider is said anywhere else. To add
one: a row, a body in tests/conformance, `python -m tests.docs` for docs/usage.md.

Traps
- What Anthropic, Converse and Bedrock's own metrics call input holds none of the cached tokens.
- Anthropic leaves compaction out of its totals and bills it; an advisor's tokens too, but those at another model's price.
- Gemini counts what tools fed back beside the prompt, and thoughts beside the candidates. A count of 0 is left out.
- The first row that fits is taken, so special rows stand before the general one of their kind.
"""

from tracer.dialects.flavour import Flavour
from tracer.dialects.openai_usage import (
    CHAT,
    DURATION,
    EMBEDDINGS,
    GEMINI_COMPATIBLE,
    PERPLEXITY,
    RESPONSES,
    TOTAL_ONLY,
    XAI,
)
from tracer.dialects.row import EACH, Path, Where

_COMPACTION = Where("type", ("compaction",))
# https://docs.anthropic.com/en/api/messages#response-usage
ANTHROPIC = Flavour(
    name="anthropic",
    who="Anthropic messages, also on Bedrock and Vertex",
    marks=(
        *("cache_creation_input_tokens", "cache_read_input_tokens", "cache_creation", "iterations"),
        *("inference_geo", "server_tool_use"),
    ),
    input=(("input_tokens",),),
    output=(("output_tokens",),),
    total=(),
    cache_read=(("cache_read_input_tokens",),),
    cache_write=(("cache_creation_input_tokens",),),
    cache_write_1h=(("cache_creation", "ephemeral_1h_input_tokens"),),
    reasoning=(("output_tokens_details", "thinking_tokens"),),
    web_searches=(("server_tool_use", "web_search_requests"),),
    also=(
        ("input", ("iterations", _COMPACTION, "input_tokens")),
        ("output", ("iterations", _COMPACTION, "output_tokens")),
        ("cache_read", ("iterations", _COMPACTION, "cache_read_input_tokens")),
        ("cache_write", ("iterations", _COMPACTION, "cache_creation_input_tokens")),
    ),
    input_excludes=("cache_read", "cache_write"),
    elsewhere=("iterations", Where("type", ("advisor_message", "advisor"))),
)


def _modality(key: str, *modalities: str) -> Path:
    return (key, Where("modality", modalities), "tokenCount")


# https://ai.google.dev/api/generate-content#UsageMetadata; a page of a document is read as an image.
GOOGLE = Flavour(
    name="google",
    who="Gemini and Vertex AI: generateContent, streamGenerateContent, embedContent",
    marks=("promptTokenCount", "candidatesTokenCount", "totalTokenCount", "responseTokenCount"),
    input=(("promptTokenCount",),),
    output=(("candidatesTokenCount",), ("responseTokenCount",)),
    total=(("totalTokenCount",),),
    cache_read=(("cachedContentTokenCount",),),
    cached_audio=(_modality("cacheTokensDetails", "AUDIO"),),
    cached_image=(_modality("cacheTokensDetails", "IMAGE", "DOCUMENT"),),
    audio_input=(_modality("promptTokensDetails", "AUDIO"),),
    image_input=(_modality("promptTokensDetails", "IMAGE", "DOCUMENT"),),
    reasoning=(("thoughtsTokenCount",),),
    audio_output=(_modality("candidatesTokensDetails", "AUDIO"), _modality("responseTokensDetails", "AUDIO")),
    image_output=(_modality("candidatesTokensDetails", "IMAGE"), _modality("responseTokensDetails", "IMAGE")),
    tool_use=(("toolUsePromptTokenCount",),),
    also=(
        ("audio_input", _modality("toolUsePromptTokensDetails", "AUDIO")),
        ("image_input", _modality("toolUsePromptTokensDetails", "IMAGE", "DOCUMENT")),
    ),
    input_excludes=("tool_use",),
    output_excludes=("reasoning",),
    omits_zeros=True,
    rest_is_reasoning=True,
)

CONVERSE = Flavour(
    name="bedrock-converse",
    who="Bedrock Converse, and Nova behind invoke",
    marks=("inputTokens", "outputTokens"),
    input=(("inputTokens",),),
    output=(("outputTokens",),),
    total=(("totalTokens",),),
    cache_read=(("cacheReadInputTokens",), ("cacheReadInputTokenCount",)),
    cache_write=(("cacheWriteInputTokens",), ("cacheWriteInputTokenCount",)),
    cache_write_1h=(("cacheDetails", Where("ttl", ("1h",)), "inputTokens"),),
    input_excludes=("cache_read", "cache_write"),
)

METRICS = Flavour(
    name="bedrock-metrics",
    who="Bedrock's own count, in the last event of an invoked stream or in headers",
    marks=("inputTokenCount", "outputTokenCount", "x-amzn-bedrock-input-token-count", "x-amzn-bedrock-output-token-count"),
    input=(("inputTokenCount",), ("x-amzn-bedrock-input-token-count",)),
    output=(("outputTokenCount",), ("x-amzn-bedrock-output-token-count",)),
    total=(),
    cache_read=(("cacheReadInputTokenCount",), ("x-amzn-bedrock-cache-read-input-token-count",)),
    cache_write=(("cacheWriteInputTokenCount",), ("x-amzn-bedrock-cache-write-input-token-count",)),
    input_excludes=("cache_read", "cache_write"),
)

COHERE = Flavour(
    name="cohere",
    who="Cohere v1 and v2",
    marks=("billed_units", "tokens", "api_version"),
    input=(("billed_units", "input_tokens"), ("tokens", "input_tokens")),
    output=(("billed_units", "output_tokens"), ("tokens", "output_tokens")),
    total=(),
    image_input=(("billed_units", "image_tokens"),),
    input_excludes=("image_input",),
    omits_zeros=True,
    units=(
        (("billed_units", "search_units"), "search units"),
        (("billed_units", "images"), "images"),
        (("billed_units", "classifications"), "classifications"),
    ),
)


# Those that tell input and output and hardly anything else.
_PLAIN: tuple[Flavour, ...] = (
    Flavour(
        name="ollama",
        who="Ollama's own API",
        marks=("prompt_eval_count", "eval_count"),
        input=(("prompt_eval_count",),),
        output=(("eval_count",),),
        total=(),
    ),
    Flavour(
        name="llama.cpp",
        who="llama.cpp's own API",
        marks=("tokens_evaluated", "tokens_predicted", "timings"),
        input=(("tokens_evaluated",), ("timings", "prompt_n")),
        output=(("tokens_predicted",), ("timings", "predicted_n")),
        total=(),
        cache_read=(("timings", "cache_n"),),
    ),
    Flavour(
        name="text-generation-inference",
        who="Hugging Face's text-generation-inference",
        marks=("input_length", "generated_tokens"),
        input=(("input_length",),),
        output=(("generated_tokens",),),
        total=(),
    ),
    Flavour(
        name="bedrock-titan",
        who="Bedrock: Titan, text and embeddings",
        marks=("inputTextTokenCount", "totalOutputTextTokenCount", "results"),
        input=(("inputTextTokenCount",),),
        output=(("totalOutputTextTokenCount",), ("results", EACH, "tokenCount")),
        total=(),
    ),
    Flavour(
        name="bedrock-llama",
        who="Bedrock: Llama",
        marks=("prompt_token_count", "generation_token_count"),
        input=(("prompt_token_count",),),
        output=(("generation_token_count",),),
        total=(),
    ),
    Flavour(
        name="vertex-predict",
        who="Vertex AI predict: embeddings",
        marks=("predictions", "metadata"),
        input=(
            ("predictions", EACH, "embeddings", "statistics", "token_count"),
            ("metadata", "tokenMetadata", "inputTokenCount", "totalTokens"),
        ),
        output=(("metadata", "tokenMetadata", "outputTokenCount", "totalTokens"),),
        total=(),
    ),
)

FLAVOURS: tuple[Flavour, ...] = (
    EMBEDDINGS,
    GEMINI_COMPATIBLE,
    XAI,
    PERPLEXITY,
    CHAT,
    ANTHROPIC,
    DURATION,
    RESPONSES,
    GOOGLE,
    CONVERSE,
    METRICS,
    COHERE,
    *_PLAIN,
    TOTAL_ONLY,
)
