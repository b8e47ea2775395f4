"""How far the estimates are off: every recorded call that states its usage is estimated as if it did not.

    python -m tests.conformance.estimates

Prints, by family of models, the relative error of the input and of the output: the median (its sign kept: + is too much) and
what nine of ten calls stay below. Left out, as the note of an estimate says too: inputs with images or other media and with
hosted tools, outputs with reasoning that nobody sees. Inputs are shown for calls with and without tools of the caller's.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from statistics import median
from typing import NamedTuple

from tests.sink.exchanges import corpus, provider_of, replay
from tracer.records import Exchange, UsageSource
from tracer.sink import price
from tracer.sink.body import media_type, plain
from tracer.sink.count import family_of
from tracer.sink.decode import decode
from tracer.sink.estimate import Sides, estimate
from tracer.sink.reply import read_reply
from tracer.sink.route import route

SHORTEST = 10  # tokens; below, one token more or less is all there is to see


class Error(NamedTuple):
    """Of one side of one call: which figure, of whom, and how far off (0.1 is ten percent too much)."""

    family: str
    side: str
    off: float


def errors() -> Iterator[Error]:
    """The error of every figure that can be compared."""
    book = price.load(None)
    for recorded in corpus():
        sent = replay(recorded)
        call = decode(sent, book)
        if call.usage_source != UsageSource.PROVIDER or recorded["status"] != 200 or call.operation not in KINDS:
            continue
        model = call.response_model or call.request_model
        guess = guessed(sent, model)
        if guess is None:
            continue
        family = family_of(model, provider_of(recorded)).name
        usage, note = guess
        comparable = "without" not in note and call.input_tokens and call.input_tokens >= SHORTEST
        if comparable and usage[0] is not None and call.input_tokens:
            yield Error(family, "input, tools" if call.tools else "input", usage[0] / call.input_tokens - 1)
        hidden = call.reasoning_tokens and not usage[2]
        if usage[1] and call.output_tokens and call.output_tokens >= SHORTEST and not hidden and "no output" not in note:
            yield Error(family, "output", usage[1] / call.output_tokens - 1)


KINDS = ("chat", "text_completion", "generate_content", "embeddings")


def guessed(sent: Exchange, model: str) -> tuple[tuple[int | None, int | None, int | None], str] | None:
    """Input, output, and reasoning of it, as estimated; and the note."""
    way = route(sent.method, sent.path)
    body = plain(sent.response, sent.response_headers, sent.chunks)
    sides = Sides(plain(sent.request, sent.request_headers), body)
    found = estimate(sent, way.operation, sides, read_reply(sent, way, media_type(sent.response_headers), body), model)
    if found is None:
        return None
    return (found.usage.input_tokens, found.usage.output_tokens, found.usage.reasoning_tokens), found.note


def nine_of_ten(values: Sequence[float]) -> float:
    """The error that nine of ten stay below."""
    ordered = sorted(abs(value) for value in values)
    return ordered[-(-len(ordered) * 9 // 10) - 1]


def main() -> None:
    """Print the table."""
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    for error in errors():
        found[error.family, error.side].append(error.off)
        found["all", error.side].append(error.off)
    print(f"{'models':<22} {'figure':<14} {'calls':>6} {'median':>8} {'9 of 10':>8}")
    for (family, side), offs in sorted(found.items(), key=lambda item: (item[0][0] == "all", item[0])):
        print(f"{family:<22} {side:<14} {len(offs):>6} {median(offs):>+8.1%} {nine_of_ten(offs):>8.1%}")


if __name__ == "__main__":
    main()
