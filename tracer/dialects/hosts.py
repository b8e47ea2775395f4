"""Rows of Cohere, Ollama, llama.cpp, text-generation-inference and Writer.

Traps
- Cohere counts twice: what it bills (`billed_units`) and what the model saw (`tokens`). flavours.py chooses.
- Ollama and llama.cpp have no usage object: the figures stand in the document, in the last one of a stream.
- text-generation-inference repeats the prompt's tokens, with their text, beside the figures; so figures are cut out.
- llama.cpp says `stop_type: "none"` in every chunk but the last.
"""

from tracer.dialects.cloud import METRICS
from tracer.dialects.row import EACH, Dialect, Mark

COHERE_CHAT = Dialect(
    name="cohere-v2",
    source="https://docs.cohere.com/v2/reference/chat-stream",
    marks=(
        Mark(
            ("type",),
            values=(
                *("message-end", "content-start", "content-delta", "content-end", "tool-plan-delta"),
                *("tool-call-start", "tool-call-delta", "tool-call-end", "citation-start", "citation-end", "message-start"),
            ),
        ),
        Mark(("usage", "billed_units")),
        Mark(("usage", "tokens", "input_tokens")),
    ),
    usage=(("usage",), ("delta", "usage")),
    usage_beside=METRICS,
    reasons=(("finish_reason",), ("delta", "finish_reason")),
    errors=(("delta", "error"),),
    tokens=tuple(
        ("delta", "message", *path)
        for path in (("content", "text"), ("content", "thinking"), ("tool_plan",), ("tool_calls", "function"))
    ),
    ends=(Mark(("type",), values=("message-end",)),),
)

COHERE = Dialect(
    name="cohere-v1",
    source="https://docs.cohere.com/v1/reference/chat-stream",
    marks=(Mark(("event_type",)), Mark(("is_finished",)), Mark(("generation_id",)), Mark(("meta", "billed_units"))),
    id=(("response_id",), ("response", "response_id"), ("id",)),
    usage=(("meta",), ("response", "meta")),
    usage_beside=METRICS,
    reasons=(("finish_reason",), ("response", "finish_reason"), ("generations", EACH, "finish_reason")),
    tokens=(("text",), ("tool_calls",), ("tool_call_delta",)),
    ends=(Mark(("event_type",), values=("stream-end",)), Mark(("is_finished",), values=(True,))),
)

OLLAMA = Dialect(
    name="ollama",
    source="https://github.com/ollama/ollama/blob/main/docs/api.md",
    marks=(
        *(Mark(("done",), values=(True, False)), Mark(("done_reason",))),
        *(Mark(("prompt_eval_count",)), Mark(("eval_count",))),
    ),
    usage=((),),
    figures=tuple(
        (name,)
        for name in (
            *("prompt_eval_count", "eval_count"),
            *("total_duration", "load_duration", "prompt_eval_duration", "eval_duration"),
        )
    ),
    merges=True,
    reasons=(("done_reason",),),
    tokens=(("message", "content"), ("message", "thinking"), ("message", "tool_calls"), ("response",), ("thinking",)),
    ends=(Mark(("done",), values=(True,)),),
)

LLAMA_CPP = Dialect(
    name="llama.cpp",
    source="https://github.com/ggml-org/llama.cpp/tree/master/tools/server#post-completion-given-a-prompt-it-returns-the-predicted-completion",
    marks=(Mark(("tokens_predicted",)), Mark(("tokens_evaluated",)), Mark(("timings", "predicted_n"))),
    usage=((),),
    figures=(("tokens_evaluated",), ("tokens_predicted",), ("timings",)),
    merges=True,
    reasons=(("stop_type",),),
    reasons_at_end=True,
    tokens=(("content",),),
    ends=(Mark(("stop",), values=(True,)),),
)

TGI = Dialect(
    name="text-generation-inference",
    source="https://huggingface.github.io/text-generation-inference/",
    marks=(Mark(("generated_text",)), Mark(("token", "text"))),
    usage=(("details",),),
    figures=(("generated_tokens",), ("input_length",)),
    reasons=(("details", "finish_reason"),),
    tokens=(("token", "text"),),
    ends=(Mark(("generated_text",)),),
)

WRITER = Dialect(
    name="writer-completions",
    source="https://dev.writer.com/api-reference/completion-api/text-generation",
    marks=(Mark(("value",)),),
    tokens=(("value",),),
)
