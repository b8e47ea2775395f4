"""Tokens of a call whose provider did not tell them: its stream was cut, or it tells no one.

Rules
- Only what reached the provider and was not refused by it is estimated: not a call without an upstream, nor a status of 400 and
  above, which nobody bills.
- The output is what arrived here. What the provider went on to write for a client that had left is not known to anyone here.
- A partial figure of the provider's stands (Anthropic tells the input when a stream begins); of its output and the estimate the
  larger one counts, for the figure is as old as the event that brought it.
- Where content is not kept there is nothing to count: the output is one token for each event that carried some, the input is
  unknown. Images, audio and files are left out of the input, and so is what hosted tools put into it; the note says so.

Never on the path of a call that states its usage: nothing here is computed for those.
"""

from collections.abc import Mapping
from typing import Any

import orjson
from msgspec import Struct
from msgspec.structs import replace

from tracer.records import Body, Exchange, Outcome
from tracer.sink.body import Plain
from tracer.sink.count import Family, family_of, tokens_of, way_of
from tracer.sink.reply import Reply
from tracer.sink.route import Route
from tracer.sink.said import Said, said_in_reply, said_in_request
from tracer.sink.usage import Usage

_ONE_WAY = ("embeddings",)
_BOTH_WAYS = ("chat", "text_completion", "generate_content")
_NO_TEXT = ("/images/", "/audio/", "/videos/", ":predict")
_BYTES_A_TOKEN = 4
_MOST_TOKENS = 1 << 40


class Sides(Struct, frozen=True):
    """Both bodies of a call as they were kept."""

    asked: Plain
    answered: Plain


class Estimate(Struct, frozen=True):
    """Tokens that were counted here, and how."""

    usage: Usage
    note: str


def may_estimate(exchange: Exchange, way: Route, reply: Reply) -> bool:
    """Whether the provider has probably billed tokens of text for it."""
    if way.operation not in (*_BOTH_WAYS, *_ONE_WAY) or any(part in way.endpoint for part in _NO_TEXT):
        return False
    if not exchange.sent_ns or exchange.status >= 400 or exchange.websocket:
        return False
    outcome = reply.outcome if exchange.outcome is Outcome.OK else exchange.outcome
    if outcome not in (Outcome.STREAM_ERROR, Outcome.UPSTREAM_ERROR):
        return True
    # An error before the first token is a refusal; a reply that broke off is none.
    return reply.tokens > 0 or (not reply.sse and reply.error is not None and reply.error[0] == "malformed_body")


def estimate(exchange: Exchange, operation: str, sides: Sides, reply: Reply, model: str) -> Estimate | None:
    """The usage of a call whose provider has told none; None if nothing can be said."""
    family = family_of(model, exchange.provider)
    output = _Output(0, None, "no output") if operation in _ONE_WAY else _output(exchange, sides.answered, reply, family)
    given, remarks = _input(exchange, sides.asked, family)
    if given is None and (output is None or not output.tokens):
        return None
    notes = [output.way if output is not None else "the output is unknown", *remarks]
    made = None if output is None else output.tokens + (output.thoughts or 0)
    usage = Usage(
        uncached_input_tokens=given,
        input_tokens=given,
        text_output_tokens=None if output is None else output.tokens,
        reasoning_tokens=None if output is None else output.thoughts,
        output_tokens=made,
        total_tokens=None if given is None or made is None else given + made,
    )
    return Estimate(usage, f"estimated: {'; '.join(notes)}")


def completed(exchange: Exchange, sides: Sides, reply: Reply, model: str, told: Usage) -> Estimate | None:
    """The provider's figures of a stream that was cut, with the output that arrived since; None if they hold that too."""
    output = _output(exchange, sides.answered, reply, family_of(model, exchange.provider))
    made = 0 if output is None else output.tokens + (output.thoughts or 0)
    if output is None or made <= (told.output_tokens or 0):
        return None
    more = made - (told.output_tokens or 0)
    usage = replace(
        told,
        text_output_tokens=(told.text_output_tokens or 0) + more,
        output_tokens=made,
        total_tokens=None if told.input_tokens is None else told.input_tokens + made,
    )
    said = "none" if told.output_tokens is None else str(told.output_tokens)
    return Estimate(usage, f"the stream was cut: the provider had told {said} of output, of what arrived: {output.way}")


class _Output(Struct, frozen=True):
    tokens: int
    thoughts: int | None
    way: str


def _output(exchange: Exchange, answered: Plain, reply: Reply, family: Family) -> _Output | None:
    said = _said_in_reply(exchange, answered, reply)
    if said is not None and (said.texts or said.thoughts or not reply.tokens):
        counted = tokens_of(said.texts, family) * _missing(exchange.response, answered)
        tokens = round(counted + family.a_tool_call * said.calls)
        thoughts = round(tokens_of(said.thoughts, family)) if said.thoughts else None
        way = f"output by {way_of(family)}" if tokens or thoughts else "no output arrived"
        lacking = " of a copy without its middle, and in proportion" if answered.truncated else ""
        return _Output(min(tokens, _MOST_TOKENS), thoughts, way + lacking)
    if reply.tokens:
        return _Output(reply.tokens, None, "output by one for each event that carried some")
    if exchange.content and not reply.sse and answered.head.lstrip().startswith(b"{"):
        tokens = round(tokens_of([answered.head.decode("utf-8", "replace")], family) * _missing(exchange.response, answered))
        return _Output(
            min(tokens, _MOST_TOKENS), None, f"output by {way_of(family)} of a reply that is not whole, as it stands"
        )
    return _Output(0, None, "no output arrived") if not exchange.response.size else None


def _said_in_reply(exchange: Exchange, answered: Plain, reply: Reply) -> Said | None:
    if not exchange.content:
        return None
    document = _loads(reply.assembled) if reply.assembled else None if reply.sse else _loads(answered.head)
    return None if document is None else said_in_reply(document)


def _missing(whole: Body, kept: Plain) -> float:
    """By how much more there was than was kept."""
    have = len(kept.head) + len(kept.tail)
    return max((kept.size or whole.size) / have, 1.0) if kept.truncated and have else 1.0


def _input(exchange: Exchange, asked: Plain, family: Family) -> tuple[int | None, list[str]]:
    """Tokens of the request, and what is to be said of them."""
    if not exchange.content:
        return None, ["the input is unknown, as content is not kept"]
    document = _loads(asked.head) if not asked.truncated else None
    if document is None:
        if not asked.truncated:
            return None, ["the input is unknown"]
        return (asked.size or exchange.request.size) // _BYTES_A_TOKEN, [
            f"input by {_BYTES_A_TOKEN} bytes each of a request not kept whole"
        ]
    said = said_in_request(document)
    tokens = tokens_of(said.texts, family) + family.a_message * said.messages + family.a_call
    tokens += family.a_tool_call * said.calls
    for schema, share in ((said.schemas, family.of_schema), (said.answer, family.of_answer)):
        tokens += tokens_of([schema], family) / family.factor * share
    if said.tools:
        tokens += family.with_tools
    remarks = [f"input by {way_of(family)} and {family.a_message:g} a message"]
    if said.media:
        remarks.append(f"without {said.media} image{'s' if said.media > 1 else ''} or other media")
    if said.hosted:
        remarks.append("without what hosted tools add")
    return round(tokens), remarks


def _loads(text: bytes | str) -> Mapping[str, Any] | None:
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None
