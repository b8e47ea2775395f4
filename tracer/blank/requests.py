"""Parameters of requests: figures, and the names of the tools that are offered."""

from tracer.blank.rules import Rule, each, emptied, figures, label, list_, names, object_, unless_empty

_FIGURES = figures(
    *("temperature", "top_p", "topP", "top_k", "topK", "p", "k", "seed", "n", "stream"),
    *("max_tokens", "max_completion_tokens", "max_output_tokens", "maxOutputTokens", "maxTokens", "maxTokenCount"),
    *("max_tokens_to_sample", "max_new_tokens", "max_gen_len", "num_predict", "num_generations", "candidateCount"),
    *("candidate_count", "max_tokens_to_generate", "n_predict", "maxTokensToSample", "numResults"),
)
_NAMED = object_(names("name"))
# Google's and Cohere's own tools have no name but the key that they stand under.
_HOSTED = (
    *("googleSearch", "google_search", "googleSearchRetrieval", "google_search_retrieval", "codeExecution", "code_execution"),
    *("urlContext", "url_context", "googleMaps", "google_maps", "fileSearch", "file_search", "computerUse", "computer_use"),
    *("enterpriseWebSearch", "enterprise_web_search", "retrieval"),
)
_TOOL = object_(
    {
        **names("type", "name"),
        **each(("function", "toolSpec", "systemTool"), _NAMED),
        **each(("functionDeclarations", "function_declarations"), list_(_NAMED)),
        **each(_HOSTED, object_({})),
    }
)
_TOOLS = list_(_TOOL)
_CONFIG = unless_empty(object_(_FIGURES))

REQUEST: dict[str, Rule] = {
    **each(("user", "user_id"), label),
    "messages": emptied,  # whose absence would make it a request of another kind
    **_FIGURES,
    **each(("tools", "functions"), _TOOLS),
    **each(("toolConfig", "tool_config"), unless_empty(object_({"tools": _TOOLS}))),
    "stream_options": object_(figures("include_usage")),
    **each(
        ("generationConfig", "generation_config", "inferenceConfig", "textGenerationConfig", "options", "parameters"), _CONFIG
    ),
    **names("speed", "anthropic_version"),
}
