"""Where a provider's figures contradict each other, or hold something unusual: one short sentence for each, with the figures.

Nothing is computed from a note, and a usage without any contradiction has none; so what a flavour always leaves out (its row
says so) is no news. What was believed is decided in usage.py; the sentences repeat it.
"""

from collections.abc import Mapping
from typing import Any

from tracer.dialects.flavour import Flavour
from tracer.dialects.row import at, every
from tracer.sink.figures import Figures

_MOST_TOLD = 4


def note_of(told: Figures, flavour: Flavour, raw: Mapping[str, Any], given: int | None, made: int | None, rest: int) -> str:
    """What is to be said of these figures, whose input and output were taken to be `given` and `made`."""
    get = told.get
    total = get("total")
    said: list[str] = [flavour.remark] if flavour.remark else []
    if total is not None and given is not None and made is not None:
        if rest:
            if not flavour.rest_is_reasoning or "reasoning" in told:
                said.append(_larger(total, given, made, rest))
        elif total < given + made:
            said.append(_smaller(total, given, made, flavour))
    if given is not None:
        cached = (get("cache_read") or 0) + (get("cache_write") or 0)
        if cached > given:
            said.append(f"{cached} cached tokens in an input of {given}: the input was believed")
        else:
            _check(said, "audio and image", max(get("audio_input") or 0, get("image_input") or 0), "input", given)
    if made is not None:
        _check(said, "reasoning and audio", (get("reasoning") or 0) + (get("audio_output") or 0), "output", made)
    if flavour.also or flavour.elsewhere or flavour.units:
        said += _unusual(flavour, raw)
    return "; ".join(said)


def other_model(usage: Mapping[str, Any], what: str) -> str:
    """Tokens that are not in the usage, because another model used them; empty if it used none."""
    given, made = at(usage, ("input_tokens",)), at(usage, ("output_tokens",))
    return f"{given} + {made} tokens of {what} are billed beside and not counted here" if given or made else ""


def two_accounts(believed: tuple[int | None, int | None], other: tuple[int | None, int | None]) -> str:
    """Input and output of the usage that was taken and of another that the same reply holds; empty if they agree."""
    if any(one is not None and two is not None and one != two for one, two in zip(believed, other, strict=True)):
        return f"two usages, {_pair(believed)} and {_pair(other)}: the first was believed"
    return ""


def _pair(pair: tuple[int | None, int | None]) -> str:
    return " + ".join("?" if figure is None else str(figure) for figure in pair)


def _larger(total: int, given: int, made: int, rest: int) -> str:
    return f"the total of {total} is {rest} more than input ({given}) and output ({made - rest}): counted as output"


def _smaller(total: int, given: int, made: int, flavour: Flavour) -> str:
    if flavour.beyond_total:
        return f"the total of {total} leaves out {given + made - total} tokens that are billed: counted"
    return f"the total of {total} is less than input ({given}) and output ({made}): these were believed"


def _check(said: list[str], what: str, part: int, whole: str, size: int) -> None:
    if part > size:
        said.append(f"{part} {what} tokens in an {whole} of {size}: the {whole} was believed")


def _unusual(flavour: Flavour, raw: Mapping[str, Any]) -> list[str]:
    said = []
    added = [(name, sum(_figures(raw, path))) for name, path in flavour.also if name in ("input", "output")]
    if any(count for _, count in added):
        parts = " and ".join(f"{count} {name}" for name, count in added)
        said.append(f"{parts} tokens that the provider's totals leave out were added")
    for other in [*every(raw, flavour.elsewhere)][:_MOST_TOLD] if flavour.elsewhere else ():
        told = other_model(other, at(other, ("model",)) or "another model")
        said += [told] if told else []
    for path, unit in flavour.units:
        said += [f"billed by {value} {unit}, not by tokens" for value in every(raw, path) if type(value) in (int, float)]
    return said


def _figures(raw: Mapping[str, Any], path: Any) -> list[int]:
    return [value for value in every(raw, path) if type(value) is int and value >= 0]
