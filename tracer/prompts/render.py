"""A prompt's version and a request's body, made into the body for the provider.

The order, which is that of Portkey's gateway: the version's saved parameters; its tools, functions and tool choice; every key
at the root of the request's body over them; then the template over `messages` (or `prompt`), whatever the body said there; last
`azure_alias` of the template's metadata over `model`. A saved `stream` counts for nothing, only the request decides.
`variables` and `prompt_id` (which Portkey's Node SDK puts into the body) never go up.

Portkey's admin API gives the variables' names, each with a default, among the saved parameters. A provider would refuse those
as unknown, so a saved parameter that the template uses as a variable stays behind, unless it is one that providers know.

Invariant: the body is new at its root; what hangs below may belong to the record or the request and is not to be changed.
"""

from tracer.prompts.plan import plan
from tracer.prompts.template import Evaluation, Partials
from tracer.proxy.refused import Refused
from tracer.proxy.wanted import Wanted
from tracer.registry.records import Prompt, PromptVersion

# What chat and text completions of OpenAI and those who follow it take. It matters only for names of variables.
_KNOWN = """
audio best_of echo frequency_penalty function_call functions logit_bias logprobs max_completion_tokens max_tokens metadata
min_p modalities model n parallel_tool_calls prediction presence_penalty prompt_cache_key reasoning reasoning_effort
repetition_penalty response_format safety_identifier seed service_tier stop store stream_options suffix temperature thinking
tool_choice tools top_k top_logprobs top_p user verbosity web_search_options
"""
_PARAMETERS = frozenset(_KNOWN.split())


def wanted(prompt: Prompt, version: PromptVersion, body: object, partials: Partials) -> Wanted:
    """What to ask of the provider for a call of this version with this body. Raises Refused."""
    sent = _object(body, "the body")
    given = sent.get("variables")
    variables = {} if given is None else _object(given, "variables")
    made = plan(version.string, version.raw)
    result = _saved(version, made.names)
    result.update((key, value) for key, value in sent.items() if key not in ("variables", "prompt_id"))
    field = "messages" if made.chat else "prompt"
    notes = (f"{field} of the request: replaced by the prompt's",) if field in sent else ()
    result[field] = made.fill(Evaluation(variables, partials))
    if alias := version.template_metadata.get("azure_alias"):
        result["model"] = alias
    return Wanted(
        path="/v1/chat/completions" if made.chat else "/v1/completions",
        body=result,
        provider=version.provider,
        prompt_id=prompt.slug,
        prompt_version=str(version.number),
        notes=notes,
    )


def rendered(asked: Wanted) -> dict[str, object]:
    """The reply of `/render` for what `/completions` would ask of the provider."""
    return {"success": True, "data": asked.body}


def _saved(version: PromptVersion, variables: frozenset[str]) -> dict[str, object]:
    saved = {
        key: value
        for key, value in version.parameters.items()
        if key != "stream" and (key not in variables or (key in _PARAMETERS and value != ""))
    }
    if version.tools:
        saved["tools"] = list(version.tools)
    if version.functions:
        saved["functions"] = list(version.functions)
    if version.tool_choice is not None:
        saved["tool_choice"] = version.tool_choice
    return saved


def _object(value: object, what: str) -> dict[str, object]:
    if not isinstance(value, dict):
        kind = "bad_variables" if what == "variables" else "bad_body"
        raise Refused(400, kind, f"{what}: should be a JSON object")
    return value
