"""What a call used, from the provider's own figures, in exclusive buckets that add up to what is billed.

Providers disagree on what a count includes: OpenAI's prompt_tokens holds the cached ones, Anthropic's input_tokens does not;
OpenAI's completion_tokens holds the reasoning, xAI's and Gemini's do not. All of that is said once, in the table FLAVOURS:
where each figure stands and what it leaves out. To add a provider: a row, a recorded body, a test.

Rules
- A bucket is None when the provider did not speak of it and 0 when it said 0. What follows from the totals is a number:
  without any details all input is uncached_input and all output is text_output.
- input = uncached_input + cache_read + cache_write + audio_input + image_input,
  output = text_output + reasoning + audio_output.
- A token is in one bucket only. Cached wins over modality: cached audio counts as cache_read, not as audio_input. Where the
  provider gives the split, `cached_audio_tokens` tells the price how many of cache_read were audio (they cost more); where it
  does not, the cached tokens are taken to be text as far as the text reaches.
- Figures that contradict each other are cut down to the total in the order of the sums above; nothing becomes negative and
  the total, which is what is billed, stays.
- Usage is never summed over the chunks of a stream: several providers send running totals. The last one wins (facts.py).
- A total larger than input + output is believed: the rest is output that the flavour leaves out of its output figure.
"""

from collections.abc import Mapping
from typing import Any

import orjson
from msgspec import Struct
from msgspec.structs import replace

# No call has four billion tokens; a larger figure is a mistake and would not fit its column.
_MOST = (1 << 32) - 1

Path = tuple[str, ...]
Paths = tuple[Path, ...]


class Usage(Struct, frozen=True, kw_only=True):
    """Exclusive buckets, parts of them that have prices of their own, and their totals, as columns of Call."""

    uncached_input_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    audio_input_tokens: int | None = None
    image_input_tokens: int | None = None
    text_output_tokens: int | None = None
    reasoning_tokens: int | None = None
    audio_output_tokens: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None
    cached_audio_tokens: int | None = None  # of cache_read_tokens
    cache_write_1h_tokens: int | None = None  # of cache_write_tokens
    image_output_tokens: int | None = None  # of text_output_tokens
    web_searches: int | None = None


class Flavour(Struct, frozen=True, kw_only=True):
    """Where one kind of usage object keeps its figures: for each, paths in order of preference."""

    name: str
    marks: tuple[str, ...]  # the object is of this kind if it has one of these keys
    providers: frozenset[str] = frozenset()  # and comes from one of these; empty: from anyone
    operations: frozenset[str] = frozenset()  # and answers one of these; empty: any
    input: Paths
    output: Paths = ()
    total: Paths = (("total_tokens",),)
    cache_read: Paths = ()
    cache_write: Paths = ()
    cached_audio: Paths = ()
    cached_image: Paths = ()
    audio_input: Paths = ()
    image_input: Paths = ()
    reasoning: Paths = ()
    audio_output: Paths = ()
    input_excludes: tuple[str, ...] = ()  # figures that `input` leaves out: added to reach the billed input
    output_excludes: tuple[str, ...] = ()
    rest_is_reasoning: bool = False  # what `total` holds beyond input + output, when no reasoning was reported
    no_output: bool = False  # this operation never has output tokens


_PROMPT = "prompt_tokens_details"
_COMPLETION = "completion_tokens_details"

# https://platform.openai.com/docs/api-reference/chat/object, legacy completions, and most others.
_CHAT = Flavour(
    name="chat",
    marks=("prompt_tokens", "completion_tokens"),
    input=(("prompt_tokens",),),
    output=(("completion_tokens",),),
    # DeepSeek counts hits flat, some hosts of open models too; Writer and Mistral spell the object in the singular.
    cache_read=(
        (_PROMPT, "cached_tokens"),
        ("prompt_cache_hit_tokens",),
        ("num_cached_tokens",),
        ("cached_tokens",),
        ("prompt_token_details", "cached_tokens"),
    ),
    cache_write=((_PROMPT, "cache_write_tokens"),),
    cached_audio=((_PROMPT, "cached_tokens_details", "audio_tokens"),),
    cached_image=((_PROMPT, "cached_tokens_details", "image_tokens"),),
    audio_input=((_PROMPT, "audio_tokens"),),
    image_input=((_PROMPT, "image_tokens"),),
    reasoning=(
        (_COMPLETION, "reasoning_tokens"),
        ("reasoning_tokens",),
        ("completion_token_details", "reasoning_tokens"),
    ),
    audio_output=((_COMPLETION, "audio_tokens"),),
)

# The first row that fits is taken, so special rows stand before the general one of their kind.
FLAVOURS: tuple[Flavour, ...] = (
    # https://platform.openai.com/docs/api-reference/embeddings; Voyage and others give the total only.
    replace(
        _CHAT,
        name="embeddings",
        marks=("prompt_tokens", "input_tokens", "total_tokens"),
        operations=frozenset({"embeddings"}),
        input=(("prompt_tokens",), ("input_tokens",), ("total_tokens",)),
        no_output=True,
    ),
    # Gemini's OpenAI endpoint leaves thinking out of completion_tokens and reports it nowhere but in the total.
    replace(
        _CHAT,
        name="gemini-compatible",
        providers=frozenset({"google", "vertex-ai"}),
        rest_is_reasoning=True,
    ),
    _CHAT,
    # https://platform.openai.com/docs/api-reference/responses/object; images and transcriptions use the same names, and the
    # realtime API has "token" in the singular.
    Flavour(
        name="responses",
        marks=("input_tokens", "output_tokens"),
        input=(("input_tokens",),),
        output=(("output_tokens",),),
        cache_read=(("input_tokens_details", "cached_tokens"), ("input_token_details", "cached_tokens")),
        cache_write=(("input_tokens_details", "cache_write_tokens"),),
        cached_audio=(("input_token_details", "cached_tokens_details", "audio_tokens"),),
        cached_image=(("input_token_details", "cached_tokens_details", "image_tokens"),),
        audio_input=(("input_tokens_details", "audio_tokens"), ("input_token_details", "audio_tokens")),
        image_input=(("input_tokens_details", "image_tokens"), ("input_token_details", "image_tokens")),
        reasoning=(("output_tokens_details", "reasoning_tokens"),),
        audio_output=(("output_tokens_details", "audio_tokens"), ("output_token_details", "audio_tokens")),
    ),
)


def find_usage(document: Mapping[str, Any]) -> dict[str, Any] | None:
    """The usage object of a reply or of a chunk, if it has one with something in it."""
    usage = document.get("usage")
    if isinstance(usage, dict) and usage:
        return usage
    groq = document.get("x_groq")  # Groq's last chunk, with or without stream_options
    if isinstance(groq, dict):
        usage = groq.get("usage")
        if isinstance(usage, dict) and usage:
            return usage
    return None


def choose_flavour(raw: Mapping[str, Any], provider: str, operation: str) -> Flavour | None:
    """The first row that fits this usage object."""
    for flavour in FLAVOURS:
        if flavour.providers and provider not in flavour.providers:
            continue
        if flavour.operations and operation not in flavour.operations:
            continue
        if any(mark in raw for mark in flavour.marks):
            return flavour
    return None


def normalise(raw: Mapping[str, Any], provider: str, operation: str) -> Usage | None:
    """The buckets of a provider's usage object, or None if no flavour knows it or it holds no count."""
    flavour = choose_flavour(raw, provider, operation)
    if flavour is None:
        return None
    read = _figure(raw, flavour.cache_read)
    write = _figure(raw, flavour.cache_write)
    reasoning = _figure(raw, flavour.reasoning)
    audio_out = _figure(raw, flavour.audio_output)
    cached_audio = _figure(raw, flavour.cached_audio)
    audio_in = _less(_figure(raw, flavour.audio_input), cached_audio or 0)
    image_in = _less(_figure(raw, flavour.image_input), _figure(raw, flavour.cached_image) or 0)
    told = {"cache_read": read, "cache_write": write, "reasoning": reasoning}
    given = _plus(_figure(raw, flavour.input), [told[name] for name in flavour.input_excludes])
    made = _plus(_figure(raw, flavour.output), [told[name] for name in flavour.output_excludes])
    if flavour.no_output:
        made = 0
    input_total, output_total, rest = _totals(given, made, _figure(raw, flavour.total))
    if input_total is None and output_total is None:
        return None
    if flavour.rest_is_reasoning and reasoning is None and rest:
        reasoning = rest
    uncached, (read, write, audio_in, image_in) = _share(input_total, (read, write, audio_in, image_in))
    text, (reasoning, audio_out) = _share(output_total, (reasoning, audio_out))
    return Usage(
        uncached_input_tokens=uncached,
        cache_read_tokens=read,
        cache_write_tokens=write,
        audio_input_tokens=audio_in,
        image_input_tokens=image_in,
        text_output_tokens=text,
        reasoning_tokens=reasoning,
        audio_output_tokens=audio_out,
        input_tokens=input_total,
        output_tokens=output_total,
        total_tokens=None if input_total is None or output_total is None else input_total + output_total,
        cached_audio_tokens=None if cached_audio is None else min(cached_audio, read or 0),
    )


def compact(raw: Mapping[str, Any]) -> str:
    """The provider's usage JSON as sent, without its white space; empty if it cannot be written."""
    try:
        return orjson.dumps(raw).decode()
    except (TypeError, ValueError):  # an integer beyond 64 bits
        return ""


def _figure(raw: Mapping[str, Any], paths: Paths) -> int | None:
    """The first of `paths` that leads to a count."""
    for path in paths:
        value: Any = raw
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if type(value) is int and 0 <= value <= _MOST:
            return value
    return None


def _less(figure: int | None, part: int) -> int | None:
    return None if figure is None else max(figure - part, 0)


def _plus(figure: int | None, parts: list[int | None]) -> int | None:
    return None if figure is None else figure + sum(part or 0 for part in parts)


def _totals(given: int | None, made: int | None, total: int | None) -> tuple[int | None, int | None, int]:
    """Input, output, and what the total told beyond them (already in the output)."""
    if total is None:
        return given, made, 0
    if given is None:
        return (None, None, 0) if made is None else (max(total - made, 0), made, 0)
    if made is None:
        return given, max(total - given, 0), 0
    rest = max(total - given - made, 0)
    return given, made + rest, rest


def _share(total: int | None, parts: tuple[int | None, ...]) -> tuple[int | None, list[int | None]]:
    """What `parts` leave of `total`, and the parts cut down in order so that they fit."""
    if total is None:
        return None, [None] * len(parts)
    shares: list[int | None] = []
    for part in parts:
        share = None if part is None else min(part, total)
        total -= share or 0
        shares.append(share)
    return total, shares
