"""Rows of Bedrock: Converse, and each family of models behind invoke. Claude's is Anthropic's own (events.py), that of
Jamba, DeepSeek, gpt-oss and the newer Mistral is OpenAI's.

Framing (tracer/eventstream.py) gives an event of ConverseStream as {type of event: payload}, and an event of an invoked model
as the model's own document. Bedrock puts its own account of the tokens into the last event of an invoked stream
(`amazon-bedrock-invocationMetrics`) and into headers of a plain reply (tracer/sink/reply.py); it is believed where the model's
document has no usage.

Trap: Nova behind invoke speaks Converse, with other names for cached tokens, and guardrails may leave half of its usage out.
"""

from tracer.dialects.row import EACH, Dialect, Mark, Path, Paths

METRICS: Paths = (("amazon-bedrock-invocationMetrics",),)
_DELTA: Path = ("contentBlockDelta", "delta")

CONVERSE = Dialect(
    name="bedrock-converse",
    source="https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html",
    marks=(
        *tuple(Mark((key,)) for key in ("stopReason", "messageStart", "messageStop")),
        *tuple(Mark((key,)) for key in ("contentBlockDelta", "contentBlockStart", "contentBlockStop")),
        *(Mark(("metadata", "usage")), Mark(("usage", "inputTokens")), Mark(("output", "message"))),
    ),
    tier=(("serviceTier", "type"), ("metadata", "serviceTier", "type")),
    usage=(("usage",), ("metadata", "usage")),
    usage_beside=METRICS,
    reasons=(("stopReason",), ("messageStop", "stopReason")),
    tokens=(
        (*_DELTA, "text"),
        (*_DELTA, "toolUse", "input"),
        (*_DELTA, "reasoningContent", "text"),
        (*_DELTA, "reasoningContent", "redactedContent"),
        ("contentBlockStart", "start", "toolUse", "name"),
    ),
    ends=(Mark(("messageStop",)),),
)

TITAN = Dialect(
    name="bedrock-titan",
    source="https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-text.html",
    marks=(Mark(("inputTextTokenCount",)), Mark(("outputText",)), Mark(("totalOutputTextTokenCount",))),
    usage=((),),
    figures=(("inputTextTokenCount",), ("totalOutputTextTokenCount",), ("results", EACH, "tokenCount")),
    merges=True,
    usage_beside=METRICS,
    reasons=(("results", EACH, "completionReason"), ("completionReason",)),
    tokens=(("outputText",),),
)

LLAMA = Dialect(
    name="bedrock-llama",
    source="https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-meta.html",
    marks=(Mark(("generation",)), Mark(("prompt_token_count",)), Mark(("generation_token_count",))),
    usage=((),),
    figures=(("prompt_token_count",), ("generation_token_count",)),
    merges=True,
    usage_beside=METRICS,
    reasons=(("stop_reason",),),
    tokens=(("generation",),),
)

MISTRAL = Dialect(
    name="bedrock-mistral",
    source="https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-mistral-text-completion.html",
    marks=(Mark(("outputs",)),),
    usage_beside=METRICS,
    reasons=(("outputs", EACH, "stop_reason"),),
    tokens=(("outputs", EACH, "text"),),
)

COMMAND = Dialect(
    name="bedrock-cohere-command",
    source="https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-cohere-command.html",
    marks=(Mark(("generations",)),),
    usage=(("meta",),),
    usage_beside=METRICS,
    reasons=(("generations", EACH, "finish_reason"),),
    tokens=(("generations", EACH, "text"),),
)

JURASSIC = Dialect(
    name="bedrock-ai21-j2",
    source="https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-jurassic2.html",
    marks=(Mark(("completions",)),),
    usage_beside=METRICS,
    reasons=(("completions", EACH, "finishReason", "reason"),),
)
