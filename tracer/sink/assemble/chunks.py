"""chat.completion.chunk → chat.completion, text_completion chunks → one text_completion.

Text is joined in order of arrival, per choice. Tool calls are joined by `index`, and by `id` where a provider sends none. Of
everything else in a delta the last value that is not null stands, except that lists (logprobs, annotations, reasoning_details)
grow.
"""

from collections.abc import KeysView, Mapping
from typing import Any

from tracer.sink.assemble.pieces import index_of

_SILENT = frozenset({"index", "delta", "finish_reason", "logprobs"})
_JOINED = frozenset({"content", "reasoning_content", "reasoning", "refusal"})


def assemble_chunks(documents: list[dict[str, Any]]) -> dict[str, Any]:
    """A chat or text completion."""
    whole: dict[str, Any] = {}
    choices: dict[int, _Choice] = {}
    frame: KeysView[str] = whole.keys()
    only: _Choice | None = None
    for document in documents:
        # What surrounds the choices repeats itself in every chunk; it is read when it looks different, and once at the end.
        if document.keys() != frame or document.get("usage"):
            frame = document.keys()
            _take_frame(whole, document)
        listed = document.get("choices")
        if len(choices) == 1 and only is not None and only.take_text(listed):
            continue
        for position, choice in enumerate(listed if isinstance(listed, list) else ()):
            if isinstance(choice, dict):
                index = index_of(choice, position)
                kept = choices.get(index)
                if kept is None:
                    kept = only = choices[index] = _Choice(index)
                kept.take(choice)
    _take_frame(whole, documents[-1])
    for padding in ("obfuscation", "p"):  # OpenAI's and Mistral's, against guessing text from packet sizes
        whole.pop(padding, None)
    if isinstance(kind := whole.get("object"), str):
        whole["object"] = kind.removesuffix(".chunk")
    whole["choices"] = [choices[index].whole() for index in sorted(choices)]
    return whole


def _take_frame(whole: dict[str, Any], document: Mapping[str, Any]) -> None:
    whole.update((key, value) for key, value in document.items() if key != "choices" and value is not None and value != "")


class _Choice:
    """One choice of a chat or text completion, growing."""

    def __init__(self, index: int) -> None:
        self._fields: dict[str, Any] = {"index": index}
        self._message: dict[str, Any] = {}
        self._texts: dict[str, list[str]] = {}
        self._calls: list[dict[str, Any]] = []

    def take_text(self, listed: Any) -> bool:
        """Take what most chunks are: of the first choice a piece of text, and nothing else. False: it is something else."""
        if type(listed) is not list or len(listed) != 1 or self._fields["index"] != 0:
            return False
        choice = listed[0]
        if type(choice) is not dict or choice.get("index") != 0 or not choice.keys() <= _SILENT:
            return False
        delta = choice.get("delta")
        if choice.get("finish_reason") is not None or choice.get("logprobs") is not None or type(delta) is not dict:
            return False
        text = delta.get("content")
        if len(delta) != 1 or type(text) is not str:
            return False
        texts = self._texts.get("content")
        if texts is None:
            self._texts["content"] = [text]
        else:
            texts.append(text)
        return True

    def take(self, choice: Mapping[str, Any]) -> None:
        for key, value in choice.items():
            if value is None or key == "index":
                continue
            if key == "delta":
                self._take_delta(value)
            elif key == "text" and isinstance(value, str):
                self._texts.setdefault("text", []).append(value)
            elif key != "message":
                _grow(self._fields, key, value)

    def whole(self) -> dict[str, Any]:
        texts = {key: "".join(parts) for key, parts in self._texts.items()}
        if "text" in texts:
            self._fields["text"] = texts.pop("text")
        else:
            message = {"role": "assistant", "content": None, **self._message, **texts}
            if self._calls:
                message["tool_calls"] = self._calls
            self._fields["message"] = message
        return {"finish_reason": None, **self._fields}

    def _take_delta(self, delta: Any) -> None:
        if not isinstance(delta, dict):
            return
        for key, value in delta.items():
            if key in _JOINED and type(value) is str:
                texts = self._texts.get(key)
                if texts is None:
                    self._texts[key] = [value]
                else:
                    texts.append(value)
            elif key == "tool_calls" and isinstance(value, list):
                for call in value:
                    if isinstance(call, dict):
                        self._take_call(call)
            elif key in ("function_call", "audio") and isinstance(value, dict):
                _join(self._message.setdefault(key, {}), value)
            elif value is not None:
                _grow(self._message, key, value)

    def _take_call(self, piece: Mapping[str, Any]) -> None:
        call = next((call for call in reversed(self._calls) if _same_call(call, piece)), None)
        if call is None:
            call = {}
            self._calls.append(call)
        for key, value in piece.items():
            if isinstance(value, dict):
                _join(call.setdefault(key, {}), value)
            elif value is not None:
                call[key] = value


def _same_call(call: Mapping[str, Any], piece: Mapping[str, Any]) -> bool:
    if piece.get("index") is not None:
        return bool(call.get("index") == piece["index"])
    return not piece.get("id") or bool(call.get("id") == piece["id"])


def _join(whole: Any, piece: Mapping[str, Any]) -> None:
    """Texts grow, everything else is replaced; `name` and ids come in one piece, sometimes repeatedly."""
    if not isinstance(whole, dict):
        return
    for key, value in piece.items():
        old = whole.get(key)
        if isinstance(value, str) and isinstance(old, str) and key in ("arguments", "data", "transcript", "input"):
            whole[key] = old + value
        elif value is not None and (value != "" or old is None):
            whole[key] = value


def _grow(whole: dict[str, Any], key: str, value: Any) -> None:
    old = whole.get(key)
    if isinstance(old, list) and isinstance(value, list):
        whole[key] = old + value
    elif isinstance(old, dict) and isinstance(value, dict):
        whole[key] = merged = dict(old)
        for inner, part in value.items():
            if isinstance(part, list) and isinstance(merged.get(inner), list):
                merged[inner] = merged[inner] + part
            elif part is not None:
                merged[inner] = part
    else:
        whole[key] = value
