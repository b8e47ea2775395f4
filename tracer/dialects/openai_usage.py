"""Flavours of OpenAI and of those who answer as OpenAI does.

Traps
- prompt_tokens holds the cached ones, completion_tokens the reasoning; but not xAI's, Gemini's and Perplexity's.
- Perplexity bills the pages it read (citations) as input and reasoning as output, and has neither in any total.
"""

from msgspec.structs import replace

from tracer.dialects.flavour import Flavour

_PROMPT = "prompt_tokens_details"
_COMPLETION = "completion_tokens_details"

# https://platform.openai.com/docs/api-reference/chat/object, legacy completions, and most others.
CHAT = Flavour(
    name="chat",
    who="OpenAI chat and completions, Azure, Groq, Mistral, DeepSeek, Together, Fireworks, Cerebras, Hugging Face, Writer, "
    "OpenRouter, vLLM, llama.cpp, Ollama's OpenAI endpoint, and whoever answers as OpenAI does",
    marks=("prompt_tokens", "completion_tokens"),
    input=(("prompt_tokens",),),
    output=(("completion_tokens",),),
    # DeepSeek counts hits flat, some hosts of open models too; Writer and Mistral spell the object in the singular;
    # gateways to Anthropic's models keep Anthropic's names.
    cache_read=(
        (_PROMPT, "cached_tokens"),
        ("prompt_cache_hit_tokens",),
        ("num_cached_tokens",),
        ("cached_tokens",),
        ("cached_prompt_text_tokens",),
        ("prompt_token_details", "cached_tokens"),
        ("cache_read_input_tokens",),
    ),
    cache_write=((_PROMPT, "cache_write_tokens"), (_PROMPT, "cache_creation_tokens"), ("cache_creation_input_tokens",)),
    cache_write_1h=((_PROMPT, "cache_creation_token_details", "ephemeral_1h_input_tokens"),),
    cached_audio=((_PROMPT, "cached_tokens_details", "audio_tokens"),),
    cached_image=((_PROMPT, "cached_tokens_details", "image_tokens"),),
    audio_input=((_PROMPT, "audio_tokens"),),
    image_input=((_PROMPT, "image_tokens"),),
    reasoning=(
        (_COMPLETION, "reasoning_tokens"),
        ("reasoning_tokens",),
        ("completion_token_details", "reasoning_tokens"),
    ),
    audio_output=((_COMPLETION, "audio_tokens"),),
    image_output=((_COMPLETION, "image_tokens"),),
    web_searches=(
        ("server_tool_use", "web_search_requests"),
        ("server_tool_use_details", "web_search_requests"),
        ("num_search_queries",),
    ),
)

# https://platform.openai.com/docs/api-reference/responses/object; images and transcriptions use the same names, and the
# realtime API and transcriptions have "token" in the singular.
RESPONSES = Flavour(
    name="responses",
    who="OpenAI responses, images, transcriptions and realtime; DeepSeek, OpenRouter and xAI where they offer responses",
    marks=("input_tokens", "output_tokens"),
    input=(("input_tokens",),),
    output=(("output_tokens",),),
    cache_read=(
        ("input_tokens_details", "cached_tokens"),
        ("input_token_details", "cached_tokens"),
        ("input_tokens_details", "cache_read_input_tokens"),
    ),
    cache_write=(("input_tokens_details", "cache_write_tokens"), ("input_tokens_details", "cache_creation_input_tokens")),
    cached_audio=(("input_token_details", "cached_tokens_details", "audio_tokens"),),
    cached_image=(("input_token_details", "cached_tokens_details", "image_tokens"),),
    audio_input=(("input_tokens_details", "audio_tokens"), ("input_token_details", "audio_tokens")),
    image_input=(("input_tokens_details", "image_tokens"), ("input_token_details", "image_tokens")),
    reasoning=(("output_tokens_details", "reasoning_tokens"), ("output_tokens_details", "thinking_tokens")),
    audio_output=(("output_tokens_details", "audio_tokens"), ("output_token_details", "audio_tokens")),
    image_output=(("output_tokens_details", "image_tokens"), ("output_token_details", "image_tokens")),
    web_searches=(
        ("server_tool_use", "web_search_requests"),
        ("tool_calls_details", "search_web", "invocation"),
    ),
)

# https://platform.openai.com/docs/api-reference/embeddings; Voyage and others give the total only.
EMBEDDINGS = replace(
    CHAT,
    name="embeddings",
    who="OpenAI's embeddings, Azure, Mistral, Voyage, Jina",
    marks=("prompt_tokens", "input_tokens", "total_tokens"),
    operations=frozenset({"embeddings", "rerank"}),
    input=(("prompt_tokens",), ("input_tokens",), ("total_tokens",)),
    no_output=True,
)

# Gemini's OpenAI endpoint leaves thinking out of completion_tokens and reports it nowhere but in the total.
GEMINI_COMPATIBLE = replace(
    CHAT,
    name="gemini-compatible",
    who="Gemini's and Vertex AI's OpenAI endpoint",
    providers=frozenset({"google", "vertex-ai"}),
    rest_is_reasoning=True,
)

XAI = replace(CHAT, name="x-ai", who="xAI chat", providers=frozenset({"x-ai"}), output_excludes=("reasoning",))

# https://docs.perplexity.ai/getting-started/pricing
PERPLEXITY = replace(
    CHAT,
    name="perplexity",
    who="Perplexity chat",
    providers=frozenset({"perplexity-ai"}),
    citations=(("citation_tokens",),),
    input_excludes=("citations",),
    output_excludes=("reasoning",),
    beyond_total=True,
)

# https://platform.openai.com/docs/api-reference/audio/createTranscription: a union of tokens and duration
DURATION = replace(
    RESPONSES,
    name="duration",
    who="OpenAI's transcriptions that are billed by time",
    marks=("seconds",),
    units=((("seconds",), "seconds of audio"),),
)

TOTAL_ONLY = Flavour(
    name="total-only",
    who="whoever gives one figure",
    marks=("total_tokens",),
    input=(("total_tokens",),),
    remark="only a total was given, and was counted as input",
)
