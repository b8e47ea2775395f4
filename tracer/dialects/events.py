"""Rows of OpenAI (without its chat, see tracer/sink/facts.py), Anthropic and Google.

Traps
- OpenAI's responses repeat the whole response in most events; what they call its status is a finish reason only at the end.
- Anthropic tells the usage in pieces: `message_start` has the input and a first guess of the output, `message_delta` has
  running totals of what it names. Later fields overwrite earlier ones; nothing is ever added. What holds no text is no token:
  a block that starts empty, a signature, a ping. The name of a tool is one: the model wrote it.
- Gemini sends usage with nearly every chunk, and chunks without parts. It ends with a finish reason in the last chunk.
- `speed` and `service_tier` of Anthropic are two switches: of the two words the one that is not "standard" tells the price.
"""

from tracer.dialects.row import EACH, Dialect, Mark, Path, Paths

_RESPONSE_END = ("response.completed", "response.incomplete", "response.failed", "response.cancelled")
# Of an item of the responses API that comes in one piece: some tool calls are not streamed.
ITEM_KEYS = ("arguments", "input", "code", "content", "summary")


def _also_in(key: str, paths: Paths) -> Paths:
    """The paths, and the same in the object that stands at `key`: how an event wraps a document."""
    return paths + tuple((key, *path) for path in paths)


RESPONSES = Dialect(
    name="openai-responses",
    source="https://platform.openai.com/docs/api-reference/responses-streaming",
    marks=(Mark(("type",), prefix="response."), Mark(("object",), prefix="response")),
    id=_also_in("response", (("id",),)),
    model=_also_in("response", (("model",),)),
    fingerprint=_also_in("response", (("system_fingerprint",),)),
    tier=_also_in("response", (("service_tier",),)),
    usage=_also_in("response", (("usage",),)),
    searches=_also_in("response", (("tool_usage", "web_search", "num_requests"),)),
    elsewhere=_also_in("response", (("tool_usage", "image_gen"),)),
    reasons=_also_in("response", (("incomplete_details", "reason"), ("status",))),
    reasons_at_end=True,
    errors=(("response", "error"),),
    tokens=(("delta",),),
    late_tokens=tuple(("item", key) for key in ITEM_KEYS),
    ends=(Mark(("type",), values=_RESPONSE_END),),
)

# https://platform.openai.com/docs/api-reference/audio/transcript-text-done-event, …/images-streaming
MEDIA = Dialect(
    name="openai-media",
    source="https://platform.openai.com/docs/api-reference/images-streaming",
    marks=tuple(
        Mark(("type",), prefix=kind) for kind in ("transcript.text.", "speech.audio.", "image_generation.", "image_edit.")
    ),
    tokens=(("delta",), ("audio",), ("b64_json",)),
    ends=(
        Mark(
            ("type",),
            values=("transcript.text.done", "speech.audio.done", "image_generation.completed", "image_edit.completed"),
        ),
    ),
)

THREADS = Dialect(
    name="openai-assistants",
    source="https://platform.openai.com/docs/api-reference/assistants-streaming",
    marks=(Mark(("object",), prefix="thread."),),
    errors=(("last_error",),),
    tokens=(("delta", "content"), ("delta", "step_details")),
)

ANTHROPIC = Dialect(
    name="anthropic",
    source="https://docs.anthropic.com/en/api/messages-streaming",
    marks=(
        Mark(
            ("type",),
            values=(
                *("message", "message_start", "message_delta", "message_stop", "ping"),
                *("content_block_start", "content_block_delta", "content_block_stop"),
            ),
        ),
    ),
    id=(("id",), ("message", "id")),
    model=(("model",), ("message", "model")),
    tier=(
        *(("usage", "speed"), ("message", "usage", "speed")),
        *(("usage", "service_tier"), ("message", "usage", "service_tier")),
    ),
    usage=(("usage",), ("message", "usage")),
    merges=True,
    usage_beside=(("amazon-bedrock-invocationMetrics",),),
    reasons=(("stop_reason",), ("delta", "stop_reason")),
    tokens=(
        *tuple(("delta", key) for key in ("text", "thinking", "partial_json", "content")),
        *tuple(("content_block", key) for key in ("text", "thinking", "name", "data")),
    ),
    ends=(Mark(("type",), values=("message_stop",)),),
)

ANTHROPIC_COMPLETIONS = Dialect(
    name="anthropic-completions",
    source="https://docs.anthropic.com/en/api/complete",
    marks=(Mark(("type",), values=("completion",)), Mark(("completion",))),
    usage_beside=(("amazon-bedrock-invocationMetrics",),),
    reasons=(("stop_reason",),),
    tokens=(("completion",),),
)

_PARTS: Path = ("candidates", EACH, "content", "parts", EACH)
GOOGLE = Dialect(
    name="google",
    source="https://ai.google.dev/api/generate-content#UsageMetadata",
    marks=tuple(Mark((key,)) for key in ("candidates", "usageMetadata", "promptFeedback", "modelVersion")),
    id=(("responseId",),),
    model=(("modelVersion",),),
    tier=(("usageMetadata", "trafficType"), ("usageMetadata", "serviceTier")),
    usage=(("usageMetadata",),),
    reasons=(("candidates", EACH, "finishReason"), ("promptFeedback", "blockReason")),
    tokens=tuple((*_PARTS, key) for key in ("text", "functionCall", "executableCode", "inlineData", "toolCall")),
)

# https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/text-embeddings-api
VERTEX_PREDICT = Dialect(
    name="vertex-predict",
    source="https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/text-embeddings-api",
    marks=(Mark(("predictions",)),),
    usage=((),),
    figures=(
        ("predictions", EACH, "embeddings", "statistics", "token_count"),
        ("metadata", "tokenMetadata"),
        ("metadata", "billableCharacterCount"),
    ),
)
