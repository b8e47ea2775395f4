"""Streams that the sink did not assemble: Anthropic's events and Google's chunks, put together for reading.

Only what the readers look at is put together; the figures of a call come from its row, never from here.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson

from tracer.sse import Decoder, Event
from tracer.ui.conversation.parts import mapping, objects, text_of

Document = Mapping[str, Any]
_GROWING = {
    "text_delta": "text",
    "thinking_delta": "thinking",
    "input_json_delta": "partial_json",
}
_MOST_BLOCKS = 1024


def documents(body: str) -> list[Document]:
    """The JSON objects of a stream's events; none if it is no stream."""
    if not body.startswith(("data:", "event:", ":", "id:")):
        return []
    decoder = Decoder()
    events = decoder.feed(body.encode("utf-8", "replace"))
    last = decoder.close()
    found = (_object(event.data) for event in (*events, *((last,) if last else ())) if isinstance(event, Event))
    return [document for document in found if document is not None]


def assembled(events: Sequence[Document]) -> Document | None:
    """The answer that the events give together; None if they are of no kind known here."""
    if any(event.get("type") == "message_start" for event in events):
        return _message(events)
    if any("candidates" in event for event in events):
        return _candidates(events)
    return next((event for event in events if "error" in event), None)


def _message(events: Iterable[Document]) -> Document:
    whole: dict[str, Any] = {}
    blocks: dict[int, dict[str, Any]] = {}
    for event in events:
        kind = event.get("type")
        if kind == "message_start":
            whole = {**mapping(event.get("message"))}
        elif kind == "content_block_start":
            blocks[_index(event)] = {**mapping(event.get("content_block"))}
        elif kind == "content_block_delta":
            _grow(blocks.setdefault(_index(event), {"type": "text"}), mapping(event.get("delta")))
        elif kind == "message_delta":
            whole |= mapping(event.get("delta"))
        elif kind == "error":
            whole["error"] = event.get("error")
    whole["content"] = [_finished(blocks[index]) for index in sorted(blocks)]
    return {"role": "assistant", **whole}


def _grow(block: dict[str, Any], delta: Document) -> None:
    key = _GROWING.get(text_of(delta.get("type")))
    if key is not None:
        block.setdefault(f"+{key}", []).append(text_of(delta.get("text" if key == "text" else key)))


def _finished(block: dict[str, Any]) -> Document:
    """The block with its pieces joined; a tool's input comes as pieces of JSON text."""
    done = {key: value for key, value in block.items() if not key.startswith("+")}
    for key in ("text", "thinking"):
        if pieces := block.get(f"+{key}"):
            done[key] = text_of(done.get(key)) + "".join(pieces)
    if pieces := block.get("+partial_json"):
        done["input"] = "".join(pieces)
    return done


def _candidates(events: Iterable[Document]) -> Document:
    ends: dict[int, str] = {}
    parts: dict[int, list[Any]] = {}
    for event in events:
        for candidate in objects(event.get("candidates")):
            index = _index(candidate)
            ends[index] = text_of(candidate.get("finishReason")) or ends.get(index, "")
            said = parts.setdefault(index, [])
            for part in objects(mapping(candidate.get("content")).get("parts")):
                _add(said, part)
    found = [
        {"content": {"parts": [_joined(part) for part in parts[index]]}, "finishReason": ends[index]} for index in sorted(parts)
    ]
    return {"candidates": found}


def _add(said: list[Any], part: Document) -> None:
    """Text goes on where the last text of its kind stopped."""
    text = part.get("text")
    if not isinstance(text, str):
        said.append(part)
    elif said and "pieces" in said[-1] and said[-1]["thought"] == part.get("thought"):
        said[-1]["pieces"].append(text)
    else:
        said.append({"pieces": [text], "thought": part.get("thought")})


def _joined(part: Document) -> Document:
    return {"text": "".join(part["pieces"]), "thought": part["thought"]} if isinstance(part.get("pieces"), list) else part


def _index(value: Document) -> int:
    index = value.get("index")
    return index if type(index) is int and 0 <= index < _MOST_BLOCKS else 0


def _object(text: str) -> Document | None:
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return document if isinstance(document, dict) else None
