"""A small application that traces itself with Scale's SDK: a program, since that SDK's tracing is one per process.

    python traced_app.py BASE_URL MODEL [TRACE_ID]

Two calls to the model under a span each, by Scale's own client and by OpenAI's, and a step that fails. Prints the ids as JSON.
"""

import json
import sys

import openai
import scale_gp_beta.lib.tracing as tracing
from scale_gp_beta import SGPClient
from scale_gp_beta.lib.tracing.span import BaseSpan

MESSAGES = [{"role": "user", "content": "Name three fruits."}]


def under(span: BaseSpan) -> dict[str, str]:
    """The headers that put a call under a span."""
    return {"x-portkey-trace-id": span.trace_id, "x-portkey-parent-span-id": span.span_id, "x-portkey-span-name": "the call"}


def main(url: str, model: str) -> None:
    scale = SGPClient(base_url=url, api_key="sgp-canary-of-the-app", account_id="acct-7")
    tracing.init(scale)
    asked = {"model": model, "messages": MESSAGES, "max_tokens": 8}
    with (
        tracing.create_trace("support", metadata={"team": "blue"}) as trace,
        openai.OpenAI(base_url=f"{url}/v1", api_key="sk-test") as client,
    ):
        with tracing.create_span("by Scale", span_type="COMPLETION", input={"question": "fruits?"}) as first:
            reply = scale.chat.completions.create(**asked, extra_headers=under(first))
            first.output = {"answer": reply.choices[0].message.content}
        with tracing.create_span("by OpenAI") as second, tracing.create_span("streaming") as third:
            for _ in client.chat.completions.create(**asked, stream=True, extra_headers=under(third)):
                pass
        try:
            with tracing.create_span("broken"):
                raise ValueError("the tool does not answer")
        except ValueError:
            pass
        ids = {
            "trace": first.trace_id,
            "root": trace.root_span.span_id,
            "spans": [first.span_id, second.span_id, third.span_id],
        }
    tracing.flush_queue()
    scale.close()
    json.dump(ids, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
