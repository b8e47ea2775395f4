"""What a call used, from the provider's own figures, in exclusive buckets that add up to what is billed.

Providers disagree on what a count includes; all of that is said in the rows of tracer/dialects/flavours.py. Here is what is
done with them.

Rules
- A bucket is None when the provider did not speak of it and 0 when it said 0. What follows from the totals is a number:
  without any details all input is uncached_input and all output is text_output.
- input = uncached_input + cache_read + cache_write + audio_input + image_input,
  output = text_output + reasoning + audio_output.
- A token is in one bucket only. Cached wins over modality: cached audio counts as cache_read, not as audio_input. Where the
  provider gives the split, `cached_audio_tokens` tells the price how many of cache_read were audio (they cost more); where it
  does not, the cached tokens are taken to be text as far as the text reaches.
- Figures that contradict each other are cut down to the total in the order of the sums above; nothing becomes negative and
  the total, which is what is billed, stays. Each contradiction is a sentence in the note (notes.py).
- Usage is never summed over the chunks of a stream: several providers send running totals. The last one wins (facts.py).
- What a flavour leaves out of a figure is added to it, unless the provider's own total shows that this time it is inside.
- A total larger than input + output is believed: the rest is output that the flavour leaves out of its output figure.
"""

from collections.abc import Mapping
from typing import Any

import orjson
from msgspec import Struct

from tracer.dialects.flavour import Flavour
from tracer.sink.figures import Figures, choose_flavour, figures_of
from tracer.sink.notes import note_of
from tracer.sink.shapes import flavour_by_shape

_NO_OUTPUT = ("embeddings", "rerank")


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


def read_usage(raw: Mapping[str, Any], provider: str, operation: str) -> tuple[Usage, str] | None:
    """The buckets of a provider's usage object and what is to be noted of them; None if it holds no count.

    A Usage without any figure stands for a call that the provider bills by something else than tokens.
    """
    flavour = choose_flavour(raw, provider, operation) or flavour_by_shape(raw)
    if flavour is None:
        return None
    return _buckets(figures_of(raw, flavour), flavour, raw, operation)


def _buckets(told: Figures, flavour: Flavour, raw: Mapping[str, Any], operation: str) -> tuple[Usage, str] | None:
    get = told.get
    given, made, rest = _totals(told, flavour, operation)
    if given is None and made is None:
        note = note_of(told, flavour, raw, None, None, 0)
        return (Usage(), note) if note and flavour.units else None
    reasoning, cached_audio, write_1h = get("reasoning"), get("cached_audio"), get("cache_write_1h")
    if flavour.rest_is_reasoning and reasoning is None and rest:
        reasoning = rest
    audio_in = _less(get("audio_input"), cached_audio or 0)
    image_in = _less(get("image_input"), get("cached_image") or 0)
    uncached, (read, write, audio_in, image_in) = _share(given, (get("cache_read"), get("cache_write"), audio_in, image_in))
    text, (reasoning, audio_out) = _share(made, (reasoning, get("audio_output")))
    image_out = get("image_output")
    usage = Usage(
        uncached_input_tokens=uncached,
        cache_read_tokens=read,
        cache_write_tokens=write,
        audio_input_tokens=audio_in,
        image_input_tokens=image_in,
        text_output_tokens=text,
        reasoning_tokens=reasoning,
        audio_output_tokens=audio_out,
        input_tokens=given,
        output_tokens=made,
        total_tokens=None if given is None or made is None else given + made,
        cached_audio_tokens=None if cached_audio is None else min(cached_audio, read or 0),
        cache_write_1h_tokens=None if write_1h is None else min(write_1h, write or 0),
        image_output_tokens=None if image_out is None else min(image_out, text or 0),
        web_searches=get("web_searches"),
    )
    return usage, note_of(told, flavour, raw, given, made, rest)


def compact(raw: Mapping[str, Any]) -> str:
    """The provider's usage JSON as sent, without its white space; empty if it cannot be written."""
    try:
        return orjson.dumps(raw).decode()
    except (TypeError, ValueError):  # an integer beyond 64 bits
        return ""


def _less(figure: int | None, part: int) -> int | None:
    return None if figure is None else max(figure - part, 0)


def _totals(told: Figures, flavour: Flavour, operation: str) -> tuple[int | None, int | None, int]:
    """Input, output, and what the total told beyond them (already in the output)."""
    given, made, total = told.get("input"), told.get("output"), told.get("total")
    if (given is not None or total is not None) and (flavour.no_output or (made is None and operation in _NO_OUTPUT)):
        made = 0
    beside_in = sum([told.get(name) or 0 for name in flavour.input_excludes]) if flavour.input_excludes else 0
    beside_out = sum([told.get(name) or 0 for name in flavour.output_excludes]) if flavour.output_excludes else 0
    if flavour.omits_zeros and (given is not None or made is not None or beside_in or beside_out):
        given, made = given or 0, made or 0
    if (beside_in or beside_out) and total is not None and not flavour.beyond_total:
        beside_in, beside_out = _left_out(given or 0, made or 0, beside_in, beside_out, total)
    given = None if given is None else given + beside_in
    made = None if made is None else made + beside_out
    if total is None or (given is None and made is None):
        return given, made, 0
    if given is None:
        return max(total - (made or 0), 0), made, 0
    if made is None:
        return given, max(total - given, 0), 0
    rest = max(total - given - made, 0)
    return given, made + rest, rest


def _left_out(given: int, made: int, beside_in: int, beside_out: int, total: int) -> tuple[int, int]:
    """Which of the figures that a flavour leaves out are left out here; all of them if the total does not tell.

    What is larger than the figure that it should be part of cannot be inside of it, whatever the total says.
    """
    for left_in, left_out in ((beside_in, beside_out), (0, 0), (beside_in, 0), (0, beside_out)):
        fits = (left_in or beside_in <= given) and (left_out or beside_out <= made)
        if fits and given + made + left_in + left_out == total:
            return left_in, left_out
    return beside_in, beside_out


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
