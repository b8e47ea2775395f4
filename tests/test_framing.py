import orjson
import pytest

from tracer.framing import Framing, framing_of

GEMINI = b'[{\n  "candidates": [\n    {\n      "content": {"parts": [{"text": "a"}]}\n    }\n  ]\n}\n,\n{"candidates": []}\n]'
LINES = b'{"model":"llama3","done":false}\n{"model":"llama3","done":true}\n'


@pytest.mark.parametrize(
    ("media", "head", "framing"),
    [
        ("text/event-stream", b"", Framing.SSE),
        ("", b'data: {"a":1}\n\n', Framing.SSE),
        ("text/plain", b"event: x\ndata: {}\n\n", Framing.SSE),
        ("application/json", b"data: {}\n\n", None),
        ("application/x-ndjson", b"", Framing.LINES),
        ("application/stream+json", b"{}", Framing.LINES),
        ("application/jsonl", b"{}", Framing.LINES),
        ("application/json", LINES, Framing.LINES),
        ("application/json", LINES.replace(b"\n", b" \r\n\r\n"), Framing.LINES),
        ("application/json", LINES[:32], None),
        ("text/html", LINES, None),
        ("application/json", GEMINI, Framing.ARRAY),
        ("application/json", b' [ {"error": {"code": 400}}]', Framing.ARRAY),
        ("application/json", b'[{"responseId":"r","candidates":[]}', Framing.ARRAY),
        ("application/json", b'[{"generated_text":"what \\"candidates\\": are"}]', None),
        ("application/json", b"[[0.1,0.2]]", None),
        ("application/json", b"[]", None),
        ("application/json", b"", None),
        ("application/json", b'{"a":1}', None),
        ("application/json", b'{"a":1}\n', None),
        ("application/vnd.amazon.eventstream", b"\0\0", Framing.AWS),
        ("image/png", b"\x89PNG", None),
    ],
)
def test_framing(media: str, head: bytes, framing: Framing | None) -> None:
    assert framing_of(media, head) is framing


@pytest.mark.parametrize("option", [0, orjson.OPT_INDENT_2, orjson.OPT_APPEND_NEWLINE])
def test_one_document_is_no_stream_however_it_is_written(option: int) -> None:
    for document in ({}, {"a": {}}, {"a": [{"b": {}}, {"c": "}\n{"}]}, {"x": {"y": {"z": {}}}, "w": {}}):
        assert framing_of("application/json", orjson.dumps(document, option=option)) is None
