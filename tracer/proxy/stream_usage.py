"""Usage of streams whose caller did not ask for it: ask in the request, take the extra out of the reply. No I/O.

A streamed chat or text completion reports its tokens only if `stream_options.include_usage` is set. Where the caller said
nothing, the option is added to the request's bytes, and from the reply are taken out the closing chunk (`choices: []` with
usage) and the `"usage": null` that the option puts into every other chunk: the client sees what it would have seen.
A caller's explicit true or false is never touched.

The request is not re-serialised: the option is spliced into the bytes, and the result is parsed once more to prove that
nothing else changed. So number formats, key order, unknown fields and duplicate keys reach the provider as they were sent.
"""

import re

import orjson

_OPTION = b'"include_usage":true'
_OPENING = re.compile(rb"\s*\{\s*")
_OPTIONS_OPENING = re.compile(rb'"stream_options"\s*:\s*\{\s*')
_NULL_USAGE = re.compile(rb',\s*"usage"\s*:\s*null|"usage"\s*:\s*null\s*,\s*')
_USUAL_NULL = b',"usage":null'
_BOUNDARY = re.compile(rb"\r\n\r\n|\n\n|\r\r|\n\r\n|\r\n\n")
_LONGEST_BOUNDARY = 4


def with_usage_requested(body: bytes, parsed: object) -> bytes | None:
    """`body` asking for usage, or None if it needs no change: not a stream, or its caller made the choice.

    `parsed` is the JSON value of `body`.
    """
    if not isinstance(parsed, dict) or parsed.get("stream") is not True:
        return None
    options = parsed.get("stream_options")
    if options is None and "stream_options" not in parsed:
        changed = _spliced(body, _OPENING, b'"stream_options":{' + _OPTION + b"}", empty=not parsed)
        wanted = {**parsed, "stream_options": {"include_usage": True}}
    elif isinstance(options, dict) and "include_usage" not in options and len(_OPTIONS_OPENING.findall(body)) == 1:
        changed = _spliced(body, _OPTIONS_OPENING, _OPTION, empty=not options)
        wanted = {**parsed, "stream_options": {**options, "include_usage": True}}
    else:
        return None
    return changed if changed is not None and _loads(changed) == wanted else None


def _spliced(body: bytes, opening: re.Pattern[bytes], text: bytes, *, empty: bool) -> bytes | None:
    match = opening.search(body)
    if match is None:
        return None
    return body[: match.end()] + text + (b"" if empty else b",") + body[match.end() :]


def _loads(body: bytes) -> object:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


class UsageFilter:
    """Takes the usage that Tracer asked for out of an event stream; any cut of the stream gives the same bytes.

    Whole events pass at once; of an event cut in two, the first part waits for the rest. An event of more than MAX_EVENT
    bytes passes untouched, since no usage chunk is that long.
    """

    MAX_EVENT = 1 << 20

    def __init__(self) -> None:
        self._rest = b""
        self._passing = False  # inside an event that is too long

    def feed(self, piece: bytes) -> bytes:
        """The bytes that may go to the client now."""
        waiting = self._rest or self._passing
        if not waiting and piece[-2:] == b"\n\n" and piece.find(b"\n\n") == len(piece) - 2 and b"\r" not in piece:
            return self._event(piece) if b'"usage"' in piece else piece  # one event, as they mostly come
        data = self._rest + piece
        passed = b""
        if self._passing:
            found = _BOUNDARY.search(data)
            # A boundary may be cut too: its first bytes wait.
            at = found.end() if found else max(0, len(data) - _LONGEST_BOUNDARY + 1)
            self._passing, passed, data = found is None, data[:at], data[at:]
        end = 0 if self._passing else _last_boundary(data)
        self._rest = data[end:]
        whole = data[:end]
        # The usual chunk of a stream that honours the option has `"usage":null`, so this is no rare path; but it is one search
        # for the providers that leave the field out.
        passed += self._filtered(whole) if b'"usage"' in whole else whole
        if len(self._rest) > self.MAX_EVENT:
            self._passing = True
            return passed + self.feed(b"")
        return passed

    def close(self) -> bytes:
        """What is left when the stream has ended, cut or not."""
        rest, self._rest = self._rest, b""
        return rest if self._passing or b'"usage"' not in rest else self._event(rest)

    def _filtered(self, whole: bytes) -> bytes:
        kept = []
        start = 0
        for match in _BOUNDARY.finditer(whole):
            kept.append(self._event(whole[start : match.end()]))
            start = match.end()
        kept.append(whole[start:])
        return b"".join(kept)

    def _event(self, event: bytes) -> bytes:
        if b'"usage"' not in event or len(event) > self.MAX_EVENT:
            return event
        usual = event.find(_USUAL_NULL)
        if usual >= 0 and event.count(b'"usage"') == 1:
            return event[:usual] + event[usual + len(_USUAL_NULL) :]
        without = _NULL_USAGE.sub(b"", event, count=1)
        if without != event:
            return without
        return b"" if _only_usage(event) else event


def _only_usage(event: bytes) -> bool:
    """Whether an event is the closing chunk: no choices, some usage."""
    data = b"\n".join(line[5:] for line in event.splitlines() if line.startswith(b"data:"))
    chunk = _loads(data)
    return isinstance(chunk, dict) and chunk.get("choices") == [] and isinstance(chunk.get("usage"), dict)


def _last_boundary(data: bytes) -> int:
    """Offset after the last blank line; 0 if there is none."""
    if data.endswith(b"\n\n") and data[-3:-2] not in (b"\n", b"\r"):
        return len(data)
    end = 0
    for match in _BOUNDARY.finditer(data):
        end = match.end()
    return end
