"""Events of Bedrock's ConverseStream, each under the name of its type → the reply of Converse."""

from typing import Any

import orjson

from tracer.sink.assemble.pieces import MOST_PARTS, Growing, index_of, mapping

_AT = "contentBlockIndex"


def assemble_converse(events: list[dict[str, Any]]) -> dict[str, Any]:
    """The reply."""
    whole: dict[str, Any] = {}
    message: dict[str, Any] = {}
    blocks: dict[int, dict[str, Growing]] = {}
    for event in events:
        message |= mapping(event.get("messageStart"))
        for name, inner in (("contentBlockStart", "start"), ("contentBlockDelta", "delta")):
            said = mapping(event.get(name))
            if said:
                _take(blocks, index_of(said, key=_AT), mapping(said.get(inner)))
        whole |= _bare(event.get("messageStop")) | _bare(event.get("metadata"))
    message = {"role": "assistant", **_bare(message), "content": [_finished(blocks[at]) for at in sorted(blocks)]}
    return {"output": {"message": message}, **whole}


def _bare(value: Any) -> dict[str, Any]:
    """Without Amazon's padding against guessing lengths."""
    return {key: part for key, part in mapping(value).items() if key != "p"}


def _take(blocks: dict[int, dict[str, Growing]], at: int, piece: dict[str, Any]) -> None:
    if at not in blocks and len(blocks) == MOST_PARTS:
        return
    block = blocks.setdefault(at, {})
    for kind, said in piece.items():
        growing = block.setdefault(kind, Growing())
        if isinstance(said, dict):
            for key, value in said.items():
                growing.grow(key, value)
        else:
            growing.grow("", said)


def _finished(block: dict[str, Growing]) -> dict[str, Any]:
    done: dict[str, Any] = {}
    for kind, growing in block.items():
        said = growing.whole()
        if "" in said:
            done[kind] = said[""]
        elif kind == "toolUse":
            done[kind] = said | {"input": _loads(said.get("input", ""))}
        elif kind == "reasoningContent" and "text" in said:
            done[kind] = {"reasoningText": said}
        else:
            done[kind] = said
    return done


def _loads(text: Any) -> Any:
    """A tool's input comes as pieces of JSON text; one that was cut stays a text."""
    try:
        return orjson.loads(text) if text else {}
    except (orjson.JSONDecodeError, TypeError):
        return text
