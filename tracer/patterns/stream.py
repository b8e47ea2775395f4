"""A stream without what must not be kept: texts that it spells over many events are searched as the text that they spell.

Strategy: of every event's document each text is looked at. Those under a key by which a provider streams text (JOINED) are
put together over all events, in one channel for each answer, part and tool call; the kinds are found in the whole, and of
each what stands in a piece is taken out of that piece. The word that stands instead begins in the first piece of them and
is spread over the others, so that each that carried text goes on to do so and the times between tokens stay. All other
texts, and keys, are searched by themselves. An event that nothing was found in keeps its bytes.

What no text of an event says may still stand in its bytes: the first of two values under one key, a secret behind its label.
Such an event is written anew, and its document searched once more as it is spelt.

Traps
- What tells answers and parts apart is called index by everybody (`index`, `output_index`, `contentBlockIndex`); where a
  list's elements have none, their place does. Some count events or tokens by it, so texts are joined without regard to it too.
- The tokens of `logprobs` spell the text once more, one at a time and as numbers: they go, if anything was found.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator
from itertools import accumulate
from typing import Any, NamedTuple

from tracer.framing import Framing
from tracer.patterns.edits import Edit, in_bytes, made
from tracer.patterns.events import events
from tracer.patterns.framed import BY_FRAMING, Stretch, dumps, loads
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


class _Piece(NamedTuple):
    """A text that may go on in other events: the document that it is in, by numbers, where there, and what is told apart by."""

    at: tuple[int, int]
    holder: Any
    key: Any
    name: str
    path: Where
    indexes: Where


# What is joined, from the finest to the coarsest. What one provider counts answers by, another counts events by, and a third
# says in the first event only; so a text must hold in every one of these readings.
_READINGS: tuple[Callable[[_Piece], Where], ...] = (
    lambda piece: (piece.path, piece.indexes),
    lambda piece: (piece.path[-1:], piece.indexes),
    lambda piece: (piece.path[-1:], piece.indexes[-1:]),
    lambda piece: (piece.name,),
)


class StreamSearch:
    """One stream; `edits` once."""

    def __init__(self, search: Search) -> None:
        self._search = search
        self._clean: set[str] = set()  # ids and roles stand in every event
        self._pieces: list[_Piece] = []
        self._changed: set[tuple[int, int]] = set()

    def edits(self, data: bytes, framing: Framing) -> list[Edit[bytes]]:
        """What to replace in a stream that begins here."""
        parts = list(events(data) if framing is Framing.SSE else BY_FRAMING[framing](data))
        before = self._search.found.total()
        # Mostly no event holds anything by itself, which one look at the bytes tells faster than one at each text.
        readable = not any(part.spelt for part in parts)
        by_bytes = readable and self._search.is_told_by_bytes
        suspects = self._suspects(data, parts) if by_bytes else set(range(len(parts)))
        texts = [self._text(data, part) for part in parts]
        besides = [self._look(number, part, alone=number in suspects) for number, part in enumerate(parts)]
        self._spell_all()
        if by_bytes or not readable or self._search.places(made(data, self._edits(parts, texts, besides, before))):
            for number in sorted(suspects):
                self._look_at_spelling(data, number, parts[number], besides[number])
        return self._edits(parts, texts, besides, before)

    def _suspects(self, data: bytes, parts: list[Stretch]) -> set[int]:
        """The numbers of the events in whose bytes something stands."""
        starts = [part.start for part in parts]
        return {
            number
            for start, end in self._search.places(data)
            for number in range(max(bisect_right(starts, start) - 1, 0), bisect_right(starts, end - 1))
        }

    def _edits(
        self, parts: list[Stretch], texts: list[list[Edit[bytes]]], besides: list[str], before: int
    ) -> list[Edit[bytes]]:
        edits: list[Edit[bytes]] = []
        found = self._search.found.total() > before
        for number, (part, text, beside) in enumerate(zip(parts, texts, besides, strict=True)):
            edits += text
            for place, document in enumerate(part.documents if found else ()):
                if without_logprobs(document):
                    self._changed.add((number, place))
            told = self._told(number, part)
            if part.again is not None and (beside != part.beside or any(document is not None for document in told)):
                edits.append(Edit(part.start, part.end, part.again(told, beside)))
        return edits

    def _told(self, number: int, part: Stretch) -> list[Any]:
        """The documents that have changed, and None for the others."""
        return [document if (number, place) in self._changed else None for place, document in enumerate(part.documents)]

    def _text(self, data: bytes, part: Stretch) -> list[Edit[bytes]]:
        if part.again is not None:
            return []
        text = data[part.start : part.end].decode("utf-8", "surrogateescape")
        return in_bytes(text, self._search.edits(text), part.start)

    def _look(self, number: int, part: Stretch, *, alone: bool) -> str:
        """Hide what stands in single texts, if anything does, and put the rest of them aside to be joined."""
        for place, document in enumerate(part.documents):
            at = (number, place)
            for holder, key, path, indexes, value in _texts(document):
                name = key if isinstance(key, str) else ""
                if name in JOINED and isinstance(value, str):
                    self._pieces.append(_Piece(at, holder, key, name, path, indexes))
                elif alone and (clean := self._alone(value)) != value:
                    holder[key] = clean
                    self._changed.add(at)
            for holder in _objects(document) if alone else ():
                self._clean_keys(at, holder)
        return str(self._alone(part.beside)) if part.beside else ""

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

    def _clean_keys(self, at: tuple[int, int], holder: dict[str, Any]) -> None:
        if all(self._alone(key) == key for key in holder):
            return
        items = list(holder.items())
        holder.clear()
        for key, value in items:
            clean = self._alone(key)
            while clean in holder:
                clean += "'"
            holder[clean] = value
        self._changed.add(at)

    def _spell_all(self) -> None:
        searched = [0] * len(self._pieces)  # of how many pieces the text was that each was searched in last
        for reading in _READINGS:
            channels: dict[Where, list[int]] = {}
            for number, piece in enumerate(self._pieces):
                channels.setdefault(reading(piece), []).append(number)
            for numbers in channels.values():
                if len(numbers) != searched[numbers[0]]:
                    self._spell([self._pieces[number] for number in numbers])
                for number in numbers:
                    searched[number] = len(numbers)

    def _spell(self, channel: list[_Piece]) -> None:
        """Hide what the pieces of a channel spell together."""
        texts = [piece.holder[piece.key] for piece in channel]
        edits = self._search.edits("".join(texts))
        if not edits:
            return
        for piece, old, new in zip(channel, texts, spread(texts, edits), strict=True):
            if new != old:
                piece.holder[piece.key] = new
                self._changed.add(piece.at)

    def _look_at_spelling(self, data: bytes, number: int, part: Stretch, beside: str) -> None:
        """Hide what no text of a document says but its bytes do: the first of two values under one key, a number behind a word
        for telephone, a secret behind its label. The document is written anew and searched as it is spelt then."""
        if part.again is None:
            return
        told = self._told(number, part)
        is_new = beside != part.beside or any(document is not None for document in told)
        kept = part.again(told, beside) if is_new else data[part.start : part.end]
        if not (self._search.places(kept) or (part.spelt and self._search.places(part.spelt))):
            return
        for place, document in enumerate(part.documents):
            self._changed.add((number, place))
            spelt = dumps(document).decode()
            clean = self._search.hidden(spelt)
            if clean != spelt:
                said = loads(clean)
                part.documents[place] = [clean] if said is None or type(said) is not type(document) else said


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


def _texts(document: Any) -> Iterator[tuple[Any, Any, Where, Where, Any]]:
    """Every text, and every number that may be a card's: its holder and key there, the keys above it, what it is counted by."""
    stack: list[tuple[Any, Where, Where]] = [(document, (), ())]
    while stack:
        holder, path, where = stack.pop()
        within: list[tuple[Any, Where, Where]] = []
        if isinstance(holder, dict):
            where = (*where, *_indexes(holder))
        for key, value in holder.items() if isinstance(holder, dict) else enumerate(holder):
            if isinstance(value, dict | list):
                placed = isinstance(key, int) and not (isinstance(value, dict) and any(_indexes(value)))
                within.append((value, path if isinstance(key, int) else (*path, key), (*where, key) if placed else where))
            elif isinstance(value, str) or (type(value) is int and value >= _LEAST_CARD):
                # Texts and arguments come under the same key in the events of one API.
                name = (key, holder.get("type")) if key == "delta" else key
                yield holder, key, (*path, name), where, value
        stack += reversed(within)


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
