"""What putting together has in common: where a piece belongs, and texts that grow."""

from collections.abc import Mapping
from typing import Any

MOST_PARTS = 1024


def index_of(piece: Mapping[str, Any], position: int = 0, key: str = "index") -> int:
    """The number that a piece says it has, else its position."""
    index = piece.get(key)
    return index if type(index) is int and 0 <= index < MOST_PARTS else position


def mapping(value: Any) -> dict[str, Any]:
    """The value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def known(value: Mapping[str, Any]) -> dict[str, Any]:
    """What of an object is not null."""
    return {key: part for key, part in value.items() if part is not None}


class Growing:
    """An object whose texts come in pieces: they are joined once, at the end."""

    def __init__(self, start: Mapping[str, Any] | None = None) -> None:
        self.fields: dict[str, Any] = dict(start or {})
        self._pieces: dict[str, list[str]] = {}

    def grow(self, key: str, text: Any) -> None:
        """Add a piece of this field's text; what is no text stands for the whole field."""
        if isinstance(text, str):
            self._pieces.setdefault(key, []).append(text)
        elif text is not None:
            self.fields[key] = text

    def extend(self, key: str, items: Any) -> None:
        """Add to a list."""
        old = self.fields.get(key)
        added = items if isinstance(items, list) else [items]
        self.fields[key] = [*(old if isinstance(old, list) else []), *added][:MOST_PARTS]

    def whole(self) -> dict[str, Any]:
        """The object with its texts joined to what they began with."""
        done = dict(self.fields)
        for key, pieces in self._pieces.items():
            old = done.get(key)
            done[key] = (old if isinstance(old, str) else "") + "".join(pieces)
        return done
