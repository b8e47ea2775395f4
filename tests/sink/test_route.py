import pytest

from tracer.sink.route import model_in, route

VERTEX = "/v1/projects/p-1/locations/europe-west4"
NOVA = "us.amazon.nova-lite-v1%3A0"
ARN = "arn%3Aaws%3Abedrock%3Aus-east-1%3A012345678901%3Ainference-profile%2Fus.anthropic.claude-x-v1%3A0"
ROUTES = {
    "/v1/chat/completions": ("/v1/chat/completions", "chat"),
    "/v1/chat/completions/?beta=true": ("/v1/chat/completions", "chat"),
    "/v1/completions": ("/v1/completions", "text_completion"),
    "/v1/embeddings": ("/v1/embeddings", "embeddings"),
    "/v1/responses": ("/v1/responses", "chat"),
    "/v1/responses/input_tokens": ("/v1/responses/input_tokens", ""),
    "/v1/responses/resp_689f74aebf70/cancel": ("/v1/responses/{id}/cancel", ""),
    "/v1/threads/thread_abc123/messages": ("/v1/threads/{id}/messages", ""),
    "/v1/messages": ("/v1/messages", "chat"),
    "/v1/prompts/pp-gira-5cd6b6@12/completions": ("/v1/prompts/{prompt}/completions", "chat"),
    "/v1/prompts/pp-gira-5cd6b6/render": ("/v1/prompts/{prompt}/render", ""),
    "/v4/beta/chat/completions": ("/v4/beta/chat/completions", "chat"),
    "/openai/deployments/ours-4o/chat/completions?api-version=1": ("/openai/deployments/{deployment}/chat/completions", "chat"),
    "/v1beta/models/gemini-2.5-flash:generateContent": ("/v1beta/models/{model}:generateContent", "generate_content"),
    "/v1/files/file-abc123/content": ("/v1/files/{id}/content", ""),
    "/v1/batches/6f0c8a52-1111-4222-8333-444455556666": ("/v1/batches/{id}", ""),
    "/v1/things/" + "a-1" * 3000 + "!": ("/v1/things/" + "a-1" * 3000 + "!", ""),
    "/v1/audio/transcriptions": ("/v1/audio/transcriptions", "generate_content"),
    "/v1/audio/speech": ("/v1/audio/speech", "generate_content"),
    "/v1/images/generations": ("/v1/images/generations", "generate_content"),
    "/v1/responses/compact": ("/v1/responses/compact", "chat"),
    "/v1/messages/count_tokens": ("/v1/messages/count_tokens", ""),
    "/v1/messages/batches": ("/v1/messages/batches", ""),
    "/v1/messages?beta=true": ("/v1/messages", "chat"),
    "/v1/complete": ("/v1/complete", "text_completion"),
    "/proxy/anthropic/v1/messages": ("/proxy/anthropic/v1/messages", "chat"),
    "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse": (
        "/v1beta/models/{model}:streamGenerateContent",
        "generate_content",
    ),
    "/v1beta/models/gemini-2.5-flash:countTokens": ("/v1beta/models/{model}:countTokens", ""),
    "/v1beta/models/gemini-embedding-001:batchEmbedContents": ("/v1beta/models/{model}:batchEmbedContents", "embeddings"),
    "/v1beta/tunedModels/ours-1:generateContent": ("/v1beta/tunedModels/{model}:generateContent", "generate_content"),
    f"{VERTEX}/publishers/google/models/gemini-2.5-pro:generateContent": (
        "/v1/projects/{project}/locations/{location}/publishers/google/models/{model}:generateContent",
        "generate_content",
    ),
    f"{VERTEX}/publishers/anthropic/models/claude-x@2:streamRawPredict": (
        "/v1/projects/{project}/locations/{location}/publishers/anthropic/models/{model}:streamRawPredict",
        "chat",
    ),
    f"{VERTEX}/publishers/google/models/text-embedding-005:predict": (
        "/v1/projects/{project}/locations/{location}/publishers/google/models/{model}:predict",
        "embeddings",
    ),
    f"{VERTEX}/endpoints/openapi/chat/completions": (
        "/v1/projects/{project}/locations/{location}/endpoints/openapi/chat/completions",
        "chat",
    ),
    f"{VERTEX}/endpoints/123/chat/completions": (
        "/v1/projects/{project}/locations/{location}/endpoints/{endpoint}/chat/completions",
        "chat",
    ),
    f"/model/{NOVA}/converse": ("/model/{model}/converse", "chat"),
    f"/proxy/bedrock/model/{NOVA}/converse-stream": ("/proxy/bedrock/model/{model}/converse-stream", "chat"),
    f"/model/{ARN}/invoke": ("/model/{model}/invoke", "chat"),
    "/model/arn:aws:bedrock:r:1:inference-profile/us.m-v1:0/invoke-with-response-stream": (
        "/model/{model}/invoke-with-response-stream",
        "chat",
    ),
    "/model/amazon.titan-embed-text-v2%3A0/invoke": ("/model/{model}/invoke", "embeddings"),
    "/model/cohere.rerank-v3-5%3A0/invoke": ("/model/{model}/invoke", "rerank"),
    f"/model/{NOVA}/count-tokens": ("/model/{model}/count-tokens", ""),
    "/model/" * 1000: (("/model/" * 1000).rstrip("/"), ""),
    "/api/chat": ("/api/chat", "chat"),
    "/api/generate": ("/api/generate", "text_completion"),
    "/api/embed": ("/api/embed", "embeddings"),
    "/v1/chat": ("/v1/chat", "chat"),
    "/v2/chat": ("/v2/chat", "chat"),
    "/v2/embed": ("/v2/embed", "embeddings"),
    "/v2/rerank": ("/v2/rerank", "rerank"),
    "/completion": ("/completion", "text_completion"),
    "/generate_stream": ("/generate_stream", "text_completion"),
    "/v1/fim/completions": ("/v1/fim/completions", "text_completion"),
    "/models/google/gemma-2-2b-it": ("/models/{model}", ""),
    "/v1/agents/completions": ("/v1/agents/completions", "chat"),
    "/": ("/", ""),
}


@pytest.mark.parametrize("path", ROUTES)
def test_paths(path: str) -> None:
    found = route("POST", path)
    assert (found.endpoint, found.operation) == ROUTES[path]


def test_only_a_post_is_an_operation() -> None:
    assert route("GET", "/v1/responses").operation == ""
    assert route("post", "/v1/responses").operation == "chat"
    assert route("WEBSOCKET", "/v1/realtime?model=x").operation == "realtime"


@pytest.mark.parametrize(
    ("path", "model"),
    [
        ("/openai/deployments/ours/chat/completions?api-version=1", "ours"),
        ("/v1beta/models/gemini-2.5-flash:generateContent", "gemini-2.5-flash"),
        ("/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse", "gemini-2.5-flash"),
        (f"{VERTEX}/publishers/anthropic/models/claude-x%402:rawPredict", "claude-x@2"),
        (f"/model/{NOVA}/converse", "us.amazon.nova-lite-v1:0"),
        (f"/proxy/bedrock/model/{NOVA}/invoke-with-response-stream", "us.amazon.nova-lite-v1:0"),
        (
            f"/model/{ARN}/invoke",
            "arn:aws:bedrock:us-east-1:012345678901:inference-profile/us.anthropic.claude-x-v1:0",
        ),
        ("/model/arn:aws:bedrock:r:1:inference-profile/us.m-v1:0/converse", "arn:aws:bedrock:r:1:inference-profile/us.m-v1:0"),
        ("/models/google/gemma-2-2b-it", "google/gemma-2-2b-it"),
        ("/v1/chat/completions", ""),
        ("/v1/models", ""),
        ("/model/x", ""),
    ],
)
def test_the_model_in_a_path(path: str, model: str) -> None:
    assert model_in(path) == model


@pytest.mark.parametrize(
    ("path", "streams"),
    [
        ("/v1beta/models/m:streamGenerateContent", True),
        ("/v1beta/models/m:generateContent", False),
        (f"/model/{NOVA}/converse-stream", True),
        (f"/model/{NOVA}/converse", False),
        (f"/model/{NOVA}/invoke-with-response-stream", True),
        (f"{VERTEX}/publishers/anthropic/models/claude-x:streamRawPredict", True),
        ("/generate_stream", True),
        ("/v1/chat/completions", False),
    ],
)
def test_paths_that_say_that_they_stream(path: str, streams: bool) -> None:
    assert route("POST", path).streams is streams


@pytest.mark.parametrize(
    "path",
    [
        "/v1/messages/count_tokens",
        "/proxy/anthropic/v1/messages/count_tokens",
        "/v1/responses/input_tokens",
        "/v1beta/models/m:countTokens",
        f"/model/{NOVA}/count-tokens",
        "/v1/messages/batches",
        "/v1/batches",
        "/v1/batches/batch_6f0c8a52/cancel",
        "/v1/responses/resp_689f74aebf70/cancel",
        "/v1/chat/completions/chatcmpl-123",
    ],
)
def test_counting_is_not_billed(path: str) -> None:
    assert not route("POST", path).billed
    assert route("POST", "/v1/messages").billed
    assert not route("GET", "/v1/responses/resp_689f74aebf70").billed
