"""The parts of a message in the GenAI conventions' shape, from OpenAI's; and reading JSON of unknown shape. Pure.

A part is told by its `type`. One that is unknown, or that lacks what its type promises, goes through as it is: the
conventions allow it ("generic"), and a reader can still see what was sent. Nothing here raises, whatever the JSON.
"""

from collections.abc import Callable
from typing import Any

import orjson

Json = dict[str, Any]


def content_parts(content: object) -> list[Json]:
    """The parts of a message's `content`: text, or a list of parts."""
    if isinstance(content, str):
        return text_parts(content)
    return [text_part(part) if isinstance(part, str) else part_of(part) for part in list_of(content)]


def part_of(part: object) -> Json:
    """One part, or one item that is none of a message's kinds."""
    if not isinstance(part, dict):
        return {"type": "unknown", "content": part}
    kind = part.get("type")
    read = _PARTS.get(kind) if isinstance(kind, str) else None
    return (read(part) if read else None) or {**part, "type": kind if isinstance(kind, str) else "unknown"}


def _read_text(part: Json) -> Json | None:
    return text_part(part["text"]) if isinstance(part.get("text"), str) else None


def _read_image(part: Json) -> Json | None:
    image = part.get("image_url")
    url = image.get("url") if isinstance(image, dict) else image
    return _located("image", url) or _file_id("image", part)


def _read_audio(part: Json) -> Json | None:
    audio = part.get("input_audio")
    if not isinstance(audio, dict) or not isinstance(audio.get("data"), str):
        return None
    return {"type": "blob", "modality": "audio", "mime_type": f"audio/{audio.get('format')}", "content": audio["data"]}


def _read_file(part: Json) -> Json | None:
    inner = part.get("file")
    file = inner if isinstance(inner, dict) else part
    return _located("document", file.get("file_url") or file.get("file_data")) or _file_id("document", file)


_PARTS: dict[str, Callable[[Json], Json | None]] = {
    "text": _read_text,
    "input_text": _read_text,
    "output_text": _read_text,
    "image_url": _read_image,
    "input_image": _read_image,
    "input_audio": _read_audio,
    "file": _read_file,
    "input_file": _read_file,
}


def _located(modality: str, url: object) -> Json | None:
    """A blob for a data URL, a uri for any other."""
    if not isinstance(url, str):
        return None
    head, comma, data = url.partition(",")
    if url.startswith("data:") and comma:
        mime_type = head.removeprefix("data:").partition(";")[0]
        return {"type": "blob", "modality": modality, "mime_type": mime_type, "content": data}
    return {"type": "uri", "modality": modality, "uri": url}


def _file_id(modality: str, part: Json) -> Json | None:
    file_id = part.get("file_id")
    return {"type": "file", "modality": modality, "file_id": file_id} if isinstance(file_id, str) else None


def text_part(content: str) -> Json:
    return {"type": "text", "content": content}


def text_parts(content: object) -> list[Json]:
    return [text_part(content)] if isinstance(content, str) and content else []


def tool_call(call_id: object, name: object, arguments: object) -> Json:
    part: Json = {"type": "tool_call", "name": name if isinstance(name, str) else ""}
    if call_id is not None:
        part["id"] = call_id
    if arguments is not None:
        part["arguments"] = _parsed(arguments)
    return part


def tool_answer(call_id: object, response: object) -> Json:
    part: Json = {"type": "tool_call_response", "response": response}
    return part if call_id is None else {**part, "id": call_id}


def _parsed(arguments: object) -> object:
    """OpenAI sends a tool's arguments as a JSON string, the conventions want the object; bad JSON stays a string."""
    if not isinstance(arguments, str):
        return arguments
    try:
        return orjson.loads(arguments)
    except orjson.JSONDecodeError:
        return arguments


def parse_object(text: str) -> Json:
    """The JSON object that `text` is; empty if it is none."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}


def list_of(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def objects(value: object) -> list[Json]:
    return [item for item in list_of(value) if isinstance(item, dict)]


def first_text(message: Json, *keys: str) -> list[str]:
    """The first of `keys` that holds text."""
    return [value for key in keys if isinstance(value := message.get(key), str) and value][:1]
