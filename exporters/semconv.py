"""Names: every span attribute, metric and well-known value that Tracer sends over OTLP, and none that it does not send.

Source: the GenAI semantic conventions at commit 6fd0d76 (2026-10-09) of open-telemetry/semantic-conventions-genai. That
repository has no release; its schema URL is SCHEMA_URL. The constants of the package opentelemetry-semantic-conventions
stopped at v1.41, marked "moved", and know nothing newer (no cache_write, no gen_ai.client.inference.*), so the names are
kept here, under the package's identifiers where it has them.

Groups, by what a reader may rely on
  STABLE       stable in the core conventions.
  DEVELOPMENT  in the GenAI conventions at the pinned commit; everything gen_ai.* is "development" there.
  LEGACY       renamed since, still what most readers look for; sent beside the new name with the same value.
  FOREIGN      not a convention, but what other tools read.
  OWN          Tracer's, where no convention exists; after `tracer.` comes the column of llm.calls.

tests/exporters/test_semconv.py holds each name to the package where both have it, to what is really sent, and to docs/spans.md.
"""

from typing import Final

COMMIT: Final = "6fd0d76"
SCHEMA_URL: Final = "https://opentelemetry.io/schemas/gen-ai-dev/1.42.0-dev"

# --- span attributes: stable -----------------------------------------------------------------------------------------

ERROR_TYPE: Final = "error.type"
HTTP_RESPONSE_STATUS_CODE: Final = "http.response.status_code"
SERVER_ADDRESS: Final = "server.address"
SERVER_PORT: Final = "server.port"

STABLE: Final = frozenset({ERROR_TYPE, HTTP_RESPONSE_STATUS_CODE, SERVER_ADDRESS, SERVER_PORT})

# --- span attributes: development ------------------------------------------------------------------------------------

GEN_AI_OPERATION_NAME: Final = "gen_ai.operation.name"
GEN_AI_PROVIDER_NAME: Final = "gen_ai.provider.name"
GEN_AI_CONVERSATION_ID: Final = "gen_ai.conversation.id"
GEN_AI_PROMPT_NAME: Final = "gen_ai.prompt.name"
GEN_AI_PROMPT_VERSION: Final = "gen_ai.prompt.version"

GEN_AI_REQUEST_MODEL: Final = "gen_ai.request.model"
GEN_AI_REQUEST_CHOICE_COUNT: Final = "gen_ai.request.choice.count"
GEN_AI_REQUEST_SEED: Final = "gen_ai.request.seed"
GEN_AI_REQUEST_STREAM: Final = "gen_ai.request.stream"
GEN_AI_REQUEST_TEMPERATURE: Final = "gen_ai.request.temperature"
GEN_AI_REQUEST_TOP_P: Final = "gen_ai.request.top_p"
GEN_AI_REQUEST_MAX_TOKENS: Final = "gen_ai.request.max_tokens"

GEN_AI_RESPONSE_ID: Final = "gen_ai.response.id"
GEN_AI_RESPONSE_MODEL: Final = "gen_ai.response.model"
GEN_AI_RESPONSE_FINISH_REASONS: Final = "gen_ai.response.finish_reasons"
GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK: Final = "gen_ai.response.time_to_first_chunk"

GEN_AI_USAGE_INPUT_TOKENS: Final = "gen_ai.usage.input_tokens"
GEN_AI_USAGE_OUTPUT_TOKENS: Final = "gen_ai.usage.output_tokens"
GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS: Final = "gen_ai.usage.cache_read.input_tokens"
GEN_AI_USAGE_CACHE_WRITE_INPUT_TOKENS: Final = "gen_ai.usage.cache_write.input_tokens"
GEN_AI_USAGE_REASONING_OUTPUT_TOKENS: Final = "gen_ai.usage.reasoning.output_tokens"
GEN_AI_USAGE_AUDIO_INPUT_TOKENS: Final = "gen_ai.usage.audio.input_tokens"
GEN_AI_USAGE_IMAGE_INPUT_TOKENS: Final = "gen_ai.usage.image.input_tokens"
GEN_AI_USAGE_AUDIO_OUTPUT_TOKENS: Final = "gen_ai.usage.audio.output_tokens"

GEN_AI_SYSTEM_INSTRUCTIONS: Final = "gen_ai.system_instructions"
GEN_AI_INPUT_MESSAGES: Final = "gen_ai.input.messages"
GEN_AI_OUTPUT_MESSAGES: Final = "gen_ai.output.messages"
GEN_AI_TOOL_DEFINITIONS: Final = "gen_ai.tool.definitions"

OPENAI_API_TYPE: Final = "openai.api.type"
OPENAI_RESPONSE_SERVICE_TIER: Final = "openai.response.service_tier"
OPENAI_RESPONSE_SYSTEM_FINGERPRINT: Final = "openai.response.system_fingerprint"

# Of the core conventions, in development too.
SESSION_ID: Final = "session.id"
USER_ID: Final = "user.id"

CONTENT: Final = (GEN_AI_SYSTEM_INSTRUCTIONS, GEN_AI_INPUT_MESSAGES, GEN_AI_OUTPUT_MESSAGES, GEN_AI_TOOL_DEFINITIONS)
OPENAI: Final = frozenset({OPENAI_API_TYPE, OPENAI_RESPONSE_SERVICE_TIER, OPENAI_RESPONSE_SYSTEM_FINGERPRINT})
DEVELOPMENT: Final = (
    frozenset(CONTENT)
    | OPENAI
    | {
        GEN_AI_OPERATION_NAME,
        GEN_AI_PROVIDER_NAME,
        GEN_AI_CONVERSATION_ID,
        GEN_AI_PROMPT_NAME,
        GEN_AI_PROMPT_VERSION,
        GEN_AI_REQUEST_MODEL,
        GEN_AI_REQUEST_CHOICE_COUNT,
        GEN_AI_REQUEST_SEED,
        GEN_AI_REQUEST_STREAM,
        GEN_AI_REQUEST_TEMPERATURE,
        GEN_AI_REQUEST_TOP_P,
        GEN_AI_REQUEST_MAX_TOKENS,
        GEN_AI_RESPONSE_ID,
        GEN_AI_RESPONSE_MODEL,
        GEN_AI_RESPONSE_FINISH_REASONS,
        GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK,
        GEN_AI_USAGE_INPUT_TOKENS,
        GEN_AI_USAGE_OUTPUT_TOKENS,
        GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS,
        GEN_AI_USAGE_CACHE_WRITE_INPUT_TOKENS,
        GEN_AI_USAGE_REASONING_OUTPUT_TOKENS,
        GEN_AI_USAGE_AUDIO_INPUT_TOKENS,
        GEN_AI_USAGE_IMAGE_INPUT_TOKENS,
        GEN_AI_USAGE_AUDIO_OUTPUT_TOKENS,
        SESSION_ID,
        USER_ID,
    }
)

# --- span attributes: older names, other tools' names, ours ----------------------------------------------------------

# Phoenix, Traceloop and OpenLIT read cache writes only from the name that was replaced in August 2026.
GEN_AI_USAGE_CACHE_CREATION_INPUT_TOKENS: Final = "gen_ai.usage.cache_creation.input_tokens"
LEGACY: Final = frozenset({GEN_AI_USAGE_CACHE_CREATION_INPUT_TOKENS})

# OpenLIT's; the conventions have no cost.
GEN_AI_USAGE_COST: Final = "gen_ai.usage.cost"
FOREIGN: Final = frozenset({GEN_AI_USAGE_COST})

TRACER_CALL_ID: Final = "tracer.call_id"
TRACER_TRACE_ID: Final = "tracer.trace_id"
TRACER_SPAN_ID: Final = "tracer.span_id"
TRACER_PARENT_SPAN_ID: Final = "tracer.parent_span_id"
TRACER_SPAN_NAME: Final = "tracer.span_name"
TRACER_ATTEMPT: Final = "tracer.attempt"
TRACER_METADATA: Final = "tracer.metadata"  # a prefix: the key follows after a dot
TRACER_DOOR: Final = "tracer.door"
TRACER_ENDPOINT: Final = "tracer.endpoint"
TRACER_PROVIDER: Final = "tracer.provider"
TRACER_SYSTEM_FINGERPRINT: Final = "tracer.system_fingerprint"
TRACER_SERVICE_TIER: Final = "tracer.service_tier"
TRACER_TOOLS: Final = "tracer.tools"
TRACER_CACHE_STATUS: Final = "tracer.cache_status"
TRACER_REQUEST_HASH: Final = "tracer.request_hash"
TRACER_CLIENT: Final = "tracer.client"
TRACER_KEY_HASH: Final = "tracer.key_hash"
TRACER_KEY_ID: Final = "tracer.key_id"
TRACER_NOTES: Final = "tracer.notes"
TRACER_OUTCOME: Final = "tracer.outcome"
TRACER_USAGE_SOURCE: Final = "tracer.usage_source"
TRACER_COST_USD: Final = "tracer.cost.usd"
TRACER_COST_INPUT_USD: Final = "tracer.cost.input_usd"
TRACER_COST_OUTPUT_USD: Final = "tracer.cost.output_usd"
TRACER_COST_SAVED_USD: Final = "tracer.cost.saved_usd"
TRACER_COST_WASTED_USD: Final = "tracer.cost.wasted_usd"
TRACER_PRICE_SOURCE: Final = "tracer.price_source"
TRACER_TTFT_MS: Final = "tracer.ttft_ms"
TRACER_ITL_P50_MS: Final = "tracer.itl_p50_ms"
TRACER_ITL_P95_MS: Final = "tracer.itl_p95_ms"
TRACER_ITL_MAX_MS: Final = "tracer.itl_max_ms"
TRACER_PROXY_US: Final = "tracer.proxy_us"
TRACER_CLIENT_GONE_MS: Final = "tracer.client_gone_ms"
TRACER_TRUNCATED: Final = "tracer.truncated"
TRACER_CONTENT_DROPPED: Final = "tracer.content_dropped"
# Of applications' own spans.
TRACER_SPAN_TYPE: Final = "tracer.span.type"
TRACER_SPAN_STATUS: Final = "tracer.span.status"
TRACER_SPAN_GROUP_ID: Final = "tracer.span.group_id"
TRACER_SPAN_ACCOUNT: Final = "tracer.span.account"
TRACER_SPAN_VARIANT_ID: Final = "tracer.span.application_variant_id"
TRACER_SPAN_INTERACTION_ID: Final = "tracer.span.application_interaction_id"
TRACER_SPAN_METADATA: Final = "tracer.span.metadata"
TRACER_SPAN_INPUT: Final = "tracer.span.input"
TRACER_SPAN_OUTPUT: Final = "tracer.span.output"
TRACER_SPAN_EXPECTED: Final = "tracer.span.expected"

OWN: Final = frozenset(
    value for name, value in dict(globals()).items() if name.startswith("TRACER_") and name != "TRACER_METADATA"
)

ATTRIBUTES: Final = STABLE | DEVELOPMENT | LEGACY | FOREIGN | OWN

# --- values ----------------------------------------------------------------------------------------------------------

ERROR_TYPE_OTHER: Final = "_OTHER"

# Portkey's slugs whose name in the conventions differs; any other slug goes as it is, which the conventions allow.
_PROVIDER_NAMES: Final = {
    "azure-ai": "azure.ai.inference",
    "azure-openai": "azure.ai.openai",
    "bedrock": "aws.bedrock",
    "google": "gcp.gemini",
    "mistral-ai": "mistral_ai",
    "moonshot": "moonshot_ai",
    "perplexity-ai": "perplexity",
    "vertex-ai": "gcp.vertex_ai",
    "watsonx": "ibm.watsonx.ai",
    "x-ai": "x_ai",
}


def provider_name(slug: str) -> str:
    """`gen_ai.provider.name` for a provider's slug."""
    return _PROVIDER_NAMES.get(slug, slug)


# --- metrics ---------------------------------------------------------------------------------------------------------

GEN_AI_CLIENT_INFERENCE_DURATION: Final = "gen_ai.client.inference.duration"
GEN_AI_CLIENT_INFERENCE_TIME_TO_FIRST_CHUNK: Final = "gen_ai.client.inference.time_to_first_chunk"
GEN_AI_CLIENT_INFERENCE_TIME_PER_OUTPUT_CHUNK: Final = "gen_ai.client.inference.time_per_output_chunk"
GEN_AI_CLIENT_INFERENCE_USAGE_INPUT_TOKENS: Final = "gen_ai.client.inference.usage.input_tokens"
GEN_AI_CLIENT_INFERENCE_USAGE_OUTPUT_TOKENS: Final = "gen_ai.client.inference.usage.output_tokens"
GEN_AI_CLIENT_INFERENCE_USAGE_CACHE_READ_INPUT_TOKENS: Final = "gen_ai.client.inference.usage.cache_read.input_tokens"
GEN_AI_CLIENT_INFERENCE_USAGE_CACHE_WRITE_INPUT_TOKENS: Final = "gen_ai.client.inference.usage.cache_write.input_tokens"
GEN_AI_CLIENT_INFERENCE_USAGE_REASONING_OUTPUT_TOKENS: Final = "gen_ai.client.inference.usage.reasoning.output_tokens"
GEN_AI_CLIENT_INFERENCE_OPERATION_INPUT_TOKENS: Final = "gen_ai.client.inference.operation.input_tokens"
GEN_AI_CLIENT_INFERENCE_OPERATION_OUTPUT_TOKENS: Final = "gen_ai.client.inference.operation.output_tokens"

# v1.41, what dashboards read today.
GEN_AI_CLIENT_OPERATION_DURATION: Final = "gen_ai.client.operation.duration"
GEN_AI_CLIENT_OPERATION_TIME_TO_FIRST_CHUNK: Final = "gen_ai.client.operation.time_to_first_chunk"
GEN_AI_CLIENT_OPERATION_TIME_PER_OUTPUT_CHUNK: Final = "gen_ai.client.operation.time_per_output_chunk"
GEN_AI_CLIENT_TOKEN_USAGE: Final = "gen_ai.client.token.usage"

METRICS: Final = frozenset(value for name, value in dict(globals()).items() if name.startswith("GEN_AI_CLIENT_"))

# Attributes that only metrics have; the rest of theirs are the span's.
GEN_AI_TOKEN_MODALITY: Final = "gen_ai.token.modality"
GEN_AI_TOKEN_TYPE: Final = "gen_ai.token.type"  # v1.41, of gen_ai.client.token.usage

DURATION_BUCKETS_S: Final = tuple(0.01 * 2**i for i in range(14))  # 0.01 … 81.92
TOKEN_BUCKETS: Final = tuple(4**i for i in range(14))  # 1 … 67108864
