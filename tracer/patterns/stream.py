"""A stream without what must not be kept: texts that it spells over many events are searched as the text that they spell.

Strategy: of every event's document each text is looked at. Those under a key by which a provider streams text (JOINED) are
put together over all events, in one channel for each answer, part and tool call; the kinds are found in the whole, and of
each what stands in a piece is taken out of that piece. The word that stands instead begins in the first piece of them and
is spread over the others, so that each that carried text goes on to do so and the times between tokens stay. All other
texts, and keys, are searched by themselves. An event that nothing was found in keeps its bytes.

Traps
- What tells answers and parts apart is called index by everybody (`index`, `output_index`, `contentBlockIndex`); where a
  list's elements have none, their place does.
- The tokens of `logprobs` spell the text once more, one at a time and as numbers: they go, if anything was found.
"""

from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate
from typing import Any

from tracer.framing import Framing
from tracer.patterns.edits import Edit, in_bytes
from tracer.patterns.framed import Stretch, stretches
from tracer.patterns.search import Search

JOINED = frozenset(
    (
        *("content", "text", "delta", "arguments", "partial_json", "thinking", "reasoning", "reasoning_content", "refusal"),
        *("transcript", "input", "code", "summary", "completion", "generation", "response", "outputText", "generated_text"),
        *("tool_plan", "output", "answer", "message", "signature", "input_json_delta", "reasoning_text", "output_text"),
    )
)
_LOGPROBS = frozenset({"logprobs", "logprobsResult", "top_logprobs", "completion_probabilities"})
# Numbers of fewer figures are no cards.
_LEAST_CARD = 10**13

Where = tuple[Any, ...]


class StreamSearch:
    """One stream; `edits` once."""

    def __init__(self, search: Search) -> None:
        self._search = search
        self._clean: set[str] = set()  # ids and roles stand in every event
        self._channels: dict[Where, list[tuple[int, Any, Any]]] = {}
        self._changed: set[int] = set()

    def edits(self, data: bytes, framing: Framing) -> list[Edit[bytes]]:
        """What to replace in a stream that begins here."""
        parts = list(stretches(data, framing))
        before = self._search.found.total()
        besides = [self._look(number, part) for number, part in enumerate(parts)]
        for channel in self._channels.values():
            self._spell(channel)
        found = self._search.found.total() > before
        edits: list[Edit[bytes]] = []
        for number, (part, beside) in enumerate(zip(parts, besides, strict=True)):
            if part.document is None or part.again is None:
                text = data[part.start : part.end].decode("utf-8", "surrogateescape")
                edits += in_bytes(text, self._search.edits(text), part.start)
                continue
            dropped = found and without_logprobs(part.document)
            if dropped or number in self._changed or beside != part.beside:
                edits.append(Edit(part.start, part.end, part.again(part.document, beside)))
        return edits

    def _look(self, number: int, part: Stretch) -> str:
        """Hide what stands in single texts, and put the rest of them into their channels."""
        if part.document is None:
            return ""
        for holder, key, name, where, value in _texts(part.document):
            if name in JOINED and isinstance(value, str):
                self._channels.setdefault((name, *where), []).append((number, holder, key))
            elif (clean := self._alone(value)) != value:
                holder[key] = clean
                self._changed.add(number)
        for holder in _objects(part.document):
            self._clean_keys(number, holder)
        return str(self._alone(part.beside)) if part.beside.strip() else part.beside

    def _alone(self, value: Any) -> Any:
        """A text by itself, or a number that may be a card's."""
        if not isinstance(value, str):
            clean = self._alone(str(value))
            return value if clean == str(value) else clean
        if value not in self._clean:
            hidden = self._search.hidden(value)
            if hidden != value:
                return hidden
            self._clean.add(value)
        return value

    def _clean_keys(self, number: int, holder: dict[str, Any]) -> None:
        if all(self._alone(key) == key for key in holder):
            return
        items = list(holder.items())
        holder.clear()
        for key, value in items:
            clean = self._alone(key)
            while clean in holder:
                clean += "'"
            holder[clean] = value
        self._changed.add(number)

    def _spell(self, channel: list[tuple[int, Any, Any]]) -> None:
        """Hide what the pieces of a channel spell together."""
        texts = [holder[key] for _, holder, key in channel]
        edits = self._search.edits("".join(texts))
        if not edits:
            return
        for (number, holder, key), old, new in zip(channel, texts, spread(texts, edits), strict=True):
            if new != old:
                holder[key] = new
                self._changed.add(number)


def spread(texts: list[str], edits: list[Edit[str]]) -> list[str]:
    """The pieces of a text after edits of the whole."""
    starts = [0, *accumulate(map(len, texts))]
    whole = "".join(texts)
    made: list[list[str]] = [[] for _ in texts]

    def keep(start: int, end: int) -> None:
        number = bisect_right(starts, start) - 1
        while start < end:
            until = min(end, starts[number + 1])
            made[number].append(whole[start:until])
            start = until
            number += 1

    at = 0
    for start, end, instead in edits:
        keep(at, start)
        first, last = bisect_right(starts, start) - 1, bisect_right(starts, end - 1) - 1
        holding = [number for number in range(first, last + 1) if texts[number]]
        for place, number in enumerate(holding):
            made[number].append(instead[place:] if number == last else instead[place : place + 1])
        at = end
    keep(at, len(whole))
    return ["".join(parts) for parts in made]


def without_logprobs(document: Any) -> bool:
    """Take the tokens' probabilities out of a document; whether there were any."""
    dropped = False
    for holder in _objects(document):
        for key in _LOGPROBS & holder.keys():
            dropped = dropped or holder[key] is not None
            holder[key] = None
    return dropped


def _texts(document: Any) -> Iterator[tuple[Any, Any, str, Where, Any]]:
    """Every text, and every number that may be a card's: its holder and key there, its name, and where it belongs."""
    stack: list[tuple[Any, Where]] = [(document, ())]
    while stack:
        holder, where = stack.pop()
        if isinstance(holder, dict):
            where = (*where, *_indexes(holder))
        items = list(holder.items()) if isinstance(holder, dict) else list(enumerate(holder))
        for key, value in items:
            if isinstance(value, dict | list):
                placed = isinstance(key, int) and not (isinstance(value, dict) and any(_indexes(value)))
                stack.append((value, (*where, key) if placed else where))
            elif isinstance(value, str) or (type(value) is int and value >= _LEAST_CARD):
                name = key if isinstance(key, str) else ""
                # Texts and arguments come under the same key in the events of one API.
                kind = (holder.get("type"),) if name == "delta" else ()
                yield holder, key, name, (*where, *kind), value


def _indexes(holder: dict[str, Any]) -> list[Any]:
    return [(key, value) for key, value in holder.items() if type(value) is int and key.lower().endswith("index")]


def _objects(document: Any) -> Iterator[dict[str, Any]]:
    stack = [document]
    while stack:
        holder = stack.pop()
        if isinstance(holder, dict):
            yield holder
            stack += [value for value in holder.values() if isinstance(value, dict | list)]
        else:
            stack += [value for value in holder if isinstance(value, dict | list)]
