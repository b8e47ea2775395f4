"""Gemini's replies, each with the next piece of every candidate → one reply.

Text goes on where the last text of its kind (thought or not) stopped; other parts stand for themselves. Of everything around
the candidates, and of the usage, the last that was said stands.
"""

from collections.abc import Mapping
from typing import Any

from tracer.sink.assemble.pieces import Growing, index_of, known, mapping


def assemble_candidates(replies: list[dict[str, Any]]) -> dict[str, Any]:
    """The reply."""
    whole: dict[str, Any] = {}
    candidates: dict[int, _Candidate] = {}
    for reply in replies:
        whole |= known({key: value for key, value in reply.items() if key != "candidates"})
        listed = reply.get("candidates")
        for position, piece in enumerate(listed if isinstance(listed, list) else ()):
            if isinstance(piece, dict):
                candidates.setdefault(index_of(piece, position), _Candidate()).take(piece)
    return {"candidates": [candidates[index].whole() for index in sorted(candidates)], **whole}


class _Candidate:
    def __init__(self) -> None:
        self._fields: dict[str, Any] = {}
        self._content: dict[str, Any] = {}
        self._parts: list[Growing] = []

    def take(self, piece: Mapping[str, Any]) -> None:
        self._fields |= known({key: value for key, value in piece.items() if key != "content"})
        content = mapping(piece.get("content"))
        self._content |= known({key: value for key, value in content.items() if key != "parts"})
        parts = content.get("parts")
        for part in parts if isinstance(parts, list) else ():
            if isinstance(part, dict):
                self._add(part)

    def whole(self) -> dict[str, Any]:
        return {"content": {"parts": [part.whole() for part in self._parts], **self._content}, **self._fields}

    def _add(self, part: dict[str, Any]) -> None:
        last = self._parts[-1] if self._parts else None
        goes_on = last is not None and "text" in part and "text" in last.fields
        if last is None or not goes_on or part.get("thought") != last.fields.get("thought"):
            self._parts.append(Growing(part))
            return
        for key, value in part.items():
            if key == "text":
                last.grow(key, value)
            elif value is not None:
                last.fields[key] = value
