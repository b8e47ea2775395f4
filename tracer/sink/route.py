"""What the path of a request says: its pattern, its operation, whether its reply streams and whether it is billed.

Paths come as the door took them: `/v1/messages`, `/v1beta/models/m:generateContent`, `/proxy/bedrock/model/m/converse`,
`/openai/deployments/d/chat/completions`; so everything is told by how a path ends.

Traps
- A model in a path is escaped: Bedrock's ids hold colons (%3A) and its ARNs slashes (%2F), and some clients escape neither.
- What counts tokens without using any (count_tokens, input_tokens, countTokens) or tells of a use that was billed elsewhere
  (a batch, a stored answer that is changed, a response that is cancelled) has figures that look like a bill and is none.
- Ollama streams unless it is told not to.
"""

import re
from functools import lru_cache
from urllib.parse import unquote

from msgspec import Struct

# Ends of endpoints; the GenAI conventions' name of what they do. Longer ends stand before shorter ones that they contain.
_OPERATIONS: tuple[tuple[str, str], ...] = (
    ("/chat/completions", "chat"),
    ("/prompts/{prompt}/completions", "chat"),
    ("/agents/completions", "chat"),
    ("/completions", "text_completion"),
    ("/embeddings", "embeddings"),
    ("/responses", "chat"),
    ("/responses/compact", "chat"),
    ("/v1/messages", "chat"),  # not every "/messages": an assistant's thread has some too
    ("/v1/complete", "text_completion"),
    ("/v1/chat", "chat"),
    ("/v2/chat", "chat"),
    ("/rerank", "rerank"),
    (":generateContent", "generate_content"),
    (":streamGenerateContent", "generate_content"),
    (":embedContent", "embeddings"),
    (":batchEmbedContents", "embeddings"),
    (":rawPredict", "chat"),
    (":streamRawPredict", "chat"),
    ("/model/{model}/converse", "chat"),
    ("/model/{model}/converse-stream", "chat"),
    ("/model/{model}/invoke", "chat"),
    ("/model/{model}/invoke-with-response-stream", "chat"),
    ("/api/chat", "chat"),
    ("/generate", "text_completion"),
    ("/generate_stream", "text_completion"),
    ("/completion", "text_completion"),
    ("/infill", "text_completion"),
    ("/embedding", "embeddings"),
    ("/embed", "embeddings"),
    *((f"/images/{kind}", "generate_content") for kind in ("generations", "edits", "variations")),
    *((f"/audio/{kind}", "generate_content") for kind in ("speech", "transcriptions", "translations")),
)
# Their streams announce their end, so one without a single event was cut.
_MUST_END = (
    *("/chat/completions", "/completions", "/responses", "/v1/messages", "/v1/chat", "/v2/chat"),
    *(":streamGenerateContent", ":streamRawPredict", "-stream"),
)
_STREAMS = (":streamGenerateContent", ":streamRawPredict", "/converse-stream", "-response-stream", "/generate_stream")
_STREAMS_UNLESS_TOLD = ("/api/chat", "/api/generate")
_NOT_BILLED = (
    *("/count_tokens", "/input_tokens", "/count-tokens", ":countTokens", ":computeTokens", "/tokenize", "/detokenize"),
    *("/batches", "/cancel", ":batchGenerateContent", "/chat/completions/{id}"),
)

# What varies from call to call in a path, so that `endpoint` stays a name of few values. Atomic and possessive, so that a path
# made to be slow is not.
_BEDROCK = re.compile(
    r"^((?>(?:(?!/model/).)*)/model/)(.+)(/(?:converse|converse-stream|invoke|invoke-with-response-stream|count-tokens))$"
)
_VARIABLES: tuple[tuple[re.Pattern[str], str], ...] = (
    (_BEDROCK, r"\1{model}\3"),
    (re.compile(r"/projects/[^/]+/locations/[^/]+(?=/)"), "/projects/{project}/locations/{location}"),
    (re.compile(r"(?<=/locations/\{location\}/endpoints/)(?!openapi/)[^/:]+(?=$|[:/])"), "{endpoint}"),
    (re.compile(r"/(models|tunedModels)/[^/:]+(?=$|:)"), r"/\1/{model}"),
    (re.compile(r"/models/[^/:]+/[^/:]+$"), "/models/{model}"),  # Hugging Face's names have an owner
    (re.compile(r"/deployments/[^/]+"), "/deployments/{deployment}"),
    (re.compile(r"/prompts/[^/]+(?=/(?:completions|render)$)"), "/prompts/{prompt}"),
    (re.compile(r"/(?:[0-9a-f]{8}-[0-9a-f-]{27}|\d++|[a-z]++[-_](?=[A-Za-z_-]*\d)[A-Za-z0-9_-]++)(?=/|$)"), "/{id}"),
)
_IN_PATH = re.compile(r"/models/([^/:?]+/[^/:?]+)$|/(?:models|tunedModels|deployments)/([^/:?]+)(?=[:/]|$)")
_EMBEDS = re.compile(r"embed", re.IGNORECASE)
_RERANKS = re.compile(r"rerank", re.IGNORECASE)


class Route(Struct, frozen=True):
    """What a path says."""

    endpoint: str
    operation: str = ""
    must_end: bool = False  # a stream of it that stops without an end was cut, even before its first event
    streams: bool = False  # by its path
    streams_unless_told: bool = False
    billed: bool = True  # figures of tokens in the reply are of this call, and paid


@lru_cache(maxsize=4096)
def route(method: str, path: str) -> Route:
    """What `path` (as in Exchange, with its query) means; method "WEBSOCKET" for an upgraded connection."""
    path = path.partition("?")[0].rstrip("/")
    endpoint = path
    for pattern, name in _VARIABLES:
        endpoint = pattern.sub(name, endpoint)
    if method.upper() != "POST":
        return Route(endpoint or "/", "realtime" if method == "WEBSOCKET" else "", billed=False)
    operation = _operation(endpoint, path)
    return Route(
        endpoint or "/",
        operation,
        must_end=bool(operation) and endpoint.endswith(_MUST_END),
        streams=endpoint.endswith(_STREAMS),
        streams_unless_told=endpoint.endswith(_STREAMS_UNLESS_TOLD),
        billed=not endpoint.endswith(_NOT_BILLED),
    )


def _operation(endpoint: str, path: str) -> str:
    for end, operation in _OPERATIONS:
        if endpoint.endswith(end):
            if "/model/" in end:  # Bedrock has one endpoint for all that its models do
                model = model_in(path)
                return "embeddings" if _EMBEDS.search(model) else "rerank" if _RERANKS.search(model) else operation
            return operation
    if endpoint.endswith(":predict"):
        return "embeddings" if _EMBEDS.search(path) else "generate_content"
    return ""


@lru_cache(maxsize=4096)
def model_in(path: str) -> str:
    """The model that stands in a path, unescaped; empty if none does."""
    path = path.partition("?")[0].rstrip("/")
    bedrock = _BEDROCK.match(path)
    if bedrock is not None:
        return unquote(bedrock[2])
    found = _IN_PATH.search(path)
    return unquote(found[1] or found[2]) if found else ""
