"""The demo's calls: the unchanged OpenAI SDK with Tracer's address, and Portkey's headers where a call belongs to a trace.

    agent            plain; the parent of
    ├─ answer        streamed to its end
    ├─ again         the agent's question once more: answered from the cache
    ├─ prompted      a prompt kept in Tracer, filled in with a variable
    ├─ interrupted   streamed, the client leaves after a few pieces
    ├─ too-hot       a parameter that the model refuses (400)
    ├─ embed         an endpoint that the model does not have (501)
    └─ nowhere       a provider that nobody knows: Tracer itself refuses it

and a few plain and streamed calls without any header, as an application that knows nothing of Tracer would make them.
Retries are off, so every call here is exactly one row.
"""

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import openai
from openai.types.chat import ChatCompletion, ChatCompletionChunk, ChatCompletionMessageParam

from tracer.demo.model import NAME

Say = Callable[[str], None]
# Greedy and seeded: the model is small enough to wander otherwise.
TEMPERATURE, SEED = 0.0, 7
PIECES_BEFORE_LEAVING = 5
AGENTS_QUESTION = "In one sentence: what is observability?"
QUESTIONS = ("Name three fruits.", "What is a proxy server?", "Name three fruits.", "Write one sentence about rivers.")


@dataclass(frozen=True, slots=True)
class Made:
    """What was called: the trace that ties some of the calls together, and how many rows all of them make."""

    trace_id: str
    calls: int


def make_calls(base_url: str, say: Say) -> Made:
    """Make every kind of call at `base_url` (with `/v1`), telling each to `say`; raises if one does not end as it should."""
    trace = _Trace(f"demo-{secrets.token_hex(4)}", secrets.token_hex(8))
    # trust_env off: a proxy that the environment names for the outside world cannot reach this machine's 127.0.0.1.
    with (
        openai.DefaultHttpxClient(trust_env=False) as transport,
        openai.OpenAI(base_url=base_url, api_key="demo", max_retries=0, http_client=transport) as client,
    ):
        tagged = (_agent, _answer, _again, _prompted, _interrupted, _too_hot, _embed, _nowhere)
        steps = [partial(step, client, trace) for step in tagged] + [partial(_untagged, client, text) for text in QUESTIONS]
        for step in steps:
            say(step())
    return Made(trace.id, len(steps))


@dataclass(frozen=True, slots=True)
class _Trace:
    id: str
    root: str

    def headers(self, name: str, *, root: bool = False) -> dict[str, str]:
        span = {"x-portkey-span-id": self.root} if root else {"x-portkey-parent-span-id": self.root}
        metadata = json.dumps({"_user": "demo-user", "session_id": self.id, "environment": "demo"})
        # The cache is for two calls only, as no other asks the same thing twice.
        cache = {"x-portkey-config": '{"cache": {"mode": "simple"}}'} if name in ("agent", "again") else {}
        return {"x-portkey-trace-id": self.id, "x-portkey-span-name": name, "x-portkey-metadata": metadata, **span, **cache}


def _ask(text: str) -> list[ChatCompletionMessageParam]:
    return [{"role": "user", "content": text}]


def _agent(client: openai.OpenAI, trace: _Trace) -> str:
    return _plain(client, AGENTS_QUESTION, 40, trace.headers("agent", root=True))


def _again(client: openai.OpenAI, trace: _Trace) -> str:
    return _plain(client, AGENTS_QUESTION, 40, trace.headers("again")).replace("plain", "cache")


def _prompted(client: openai.OpenAI, trace: _Trace) -> str:
    template = [{"role": "user", "content": "In one short sentence: what is {{thing}}?"}]
    parameters = {"model": NAME, "max_tokens": 32, "temperature": TEMPERATURE, "seed": SEED}
    prompt = {"name": "What is it", "collection_id": "", "string": json.dumps(template), "parameters": parameters}
    made = client.post("/prompts", cast_to=object, body={**prompt, "virtual_key": ""})
    slug = str(made["slug"])  # type: ignore[index]  # the SDK's type for JSON of no class of its own
    asked = {"variables": {"thing": "a river"}}
    options: openai.RequestOptions = {"headers": trace.headers("prompted")}
    reply = client.post(f"/prompts/{slug}/completions", cast_to=ChatCompletion, body=asked, options=options)
    return f"prompt       {_short(reply.choices[0].message.content)}"


def _untagged(client: openai.OpenAI, question: str) -> str:
    return _plain(client, question, 32, {})


def _plain(client: openai.OpenAI, question: str, max_tokens: int, headers: dict[str, str]) -> str:
    reply = client.chat.completions.create(
        model=NAME,
        messages=_ask(question),
        max_tokens=max_tokens,
        temperature=TEMPERATURE,
        seed=SEED,
        extra_headers=headers,
    )
    return f"plain        {_short(reply.choices[0].message.content)}"


def _answer(client: openai.OpenAI, trace: _Trace) -> str:
    with _stream(client, "Why do programs need logs? Answer briefly.", 60, trace.headers("answer")) as stream:
        pieces = [piece.choices[0].delta.content or "" for piece in stream]
    return f"streamed     {_short(''.join(pieces))} ({len(pieces)} pieces)"


def _interrupted(client: openai.OpenAI, trace: _Trace) -> str:
    question = "Tell me a very long story about a river."
    with _stream(client, question, 1500, trace.headers("interrupted")) as stream:
        pieces = [next(stream).choices[0].delta.content or "" for _ in range(PIECES_BEFORE_LEAVING)]
    return f"cancelled    {_short(''.join(pieces))} (left after {PIECES_BEFORE_LEAVING} pieces)"


def _stream(
    client: openai.OpenAI, question: str, max_tokens: int, headers: dict[str, str]
) -> openai.Stream[ChatCompletionChunk]:
    return client.chat.completions.create(
        model=NAME,
        messages=_ask(question),
        max_tokens=max_tokens,
        temperature=TEMPERATURE,
        seed=SEED,
        stream=True,
        extra_headers=headers,
    )


def _too_hot(client: openai.OpenAI, trace: _Trace) -> str:
    return _failing(
        400,
        lambda: client.chat.completions.create(
            model=NAME,
            messages=_ask("Hello"),
            extra_headers=trace.headers("too-hot"),
            extra_body={"temperature": "hot"},
        ),
    )


def _embed(client: openai.OpenAI, trace: _Trace) -> str:
    return _failing(501, lambda: client.embeddings.create(model=NAME, input="river", extra_headers=trace.headers("embed")))


def _nowhere(client: openai.OpenAI, trace: _Trace) -> str:
    headers = {**trace.headers("nowhere"), "x-portkey-provider": "nobody-knows-this"}
    return _failing(400, lambda: client.chat.completions.create(model=NAME, messages=_ask("Hello"), extra_headers=headers))


def _failing(status: int, call: Callable[[], object]) -> str:
    try:
        call()
    except openai.APIStatusError as error:
        if error.status_code != status:
            raise
        return f"failed {status}   {_short(error.message.partition(' - ')[2])}"
    raise RuntimeError(f"a call that should have failed with {status} succeeded")


def _short(text: str | None) -> str:
    line = " ".join((text or "").split())
    return line if len(line) <= 76 else line[:75] + "…"
