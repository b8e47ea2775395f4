"""message_start … message_stop → the message.

The start has an empty message, blocks of content come in pieces by their index, and message_delta ends it: its usage has
running totals of what it names, so what it does not name stays as it was at the start.
"""

from typing import Any

import orjson

from tracer.sink.assemble.pieces import MOST_PARTS, Growing, index_of, known, mapping

_INPUT = "partial_json"


def assemble_message(events: list[dict[str, Any]]) -> dict[str, Any]:
    """The message; empty if it never began."""
    whole: dict[str, Any] = {}
    blocks: dict[int, Growing] = {}
    for event in events:
        kind = event.get("type")
        if kind == "message_start":
            whole = {**mapping(event.get("message")), **whole}
        elif kind == "content_block_start":
            blocks[index_of(event)] = Growing(mapping(event.get("content_block")))
        elif kind == "content_block_delta":
            _take(blocks, index_of(event), mapping(event.get("delta")))
        elif kind == "message_delta":
            whole |= mapping(event.get("delta"))
            whole |= {key: value for key, value in event.items() if key not in ("type", "delta", "usage")}
            whole["usage"] = {**mapping(whole.get("usage")), **known(mapping(event.get("usage")))}
    if not whole and not blocks:
        return {}
    content = [_finished(blocks[index]) for index in sorted(blocks)]
    return {"role": "assistant", **whole, "content": content}


def _take(blocks: dict[int, Growing], index: int, delta: dict[str, Any]) -> None:
    block = blocks.get(index)
    if block is None:
        if len(blocks) == MOST_PARTS:
            return
        block = blocks[index] = Growing({"type": "thinking" if "thinking" in delta else "text"})
    for key, value in delta.items():
        if key == "citation":
            block.extend("citations", value)
        elif key != "type":
            block.grow(key, value)


def _finished(block: Growing) -> dict[str, Any]:
    """A tool's input comes as pieces of JSON text; one that was cut stays a text."""
    done = block.whole()
    written = done.pop(_INPUT, "")
    if written:
        try:
            done["input"] = orjson.loads(written)
        except orjson.JSONDecodeError:
            done["input"] = written
    return done
