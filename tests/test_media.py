"""Media in a copy become a hash, everything else stays, and the arrival of what is left still adds up."""

import base64
import hashlib
import json
import re
from array import array

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer import media
from tracer.media import MIN_BASE64


def in_one(data: bytes) -> bytes:
    """A body that came in one piece."""
    return media.replace_media(data, array("I", (len(data),)))[0]


PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 2 + b"\xff\xfe/?"


def stands_for(raw: bytes, kind: str = "application/octet-stream") -> str:
    return f"tracer:media;type={kind};bytes={len(raw)};sha256={hashlib.sha256(raw).hexdigest()}"


def data_url(raw: bytes = PNG, kind: str = "image/png") -> str:
    return f"data:{kind};base64,{base64.b64encode(raw).decode()}"


def text(raw: bytes = PNG) -> str:
    return base64.b64encode(raw).decode()


def replaced(value: object) -> object:
    return orjson.loads(in_one(orjson.dumps(value)))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": data_url()}}]}]},
            {
                "messages": [
                    {"role": "user", "content": [{"type": "image_url", "image_url": {"url": stands_for(PNG, "image/png")}}]}
                ]
            },
        ),
        ({"image_url": data_url()}, {"image_url": stands_for(PNG, "image/png")}),  # the Responses API
        ({"data": [{"b64_json": text()}]}, {"data": [{"b64_json": stands_for(PNG)}]}),
        ({"input_audio": {"data": text(), "format": "wav"}}, {"input_audio": {"data": stands_for(PNG), "format": "wav"}}),
        ({"partial_image_b64": text()}, {"partial_image_b64": stands_for(PNG)}),
        (
            {"file": {"file_data": data_url(kind="application/pdf")}},
            {"file": {"file_data": stands_for(PNG, "application/pdf")}},
        ),
        ({"embedding": text(b"\x00\x00\x80>" * 100)}, {"embedding": stands_for(b"\x00\x00\x80>" * 100)}),
        (
            {"a": data_url(kind="audio/mpeg"), "b": data_url()},
            {"a": stands_for(PNG, "audio/mpeg"), "b": stands_for(PNG, "image/png")},
        ),
        (
            {"data": base64.urlsafe_b64encode(PNG).decode().rstrip("=")},
            {"data": stands_for(PNG)},
        ),
    ],
)
def test_media_become_their_hash(value: object, expected: object) -> None:
    assert replaced(value) == expected
    assert orjson.loads(in_one(json.dumps(value, indent=2).encode())) == expected


def test_escaped_slashes_are_the_same_media() -> None:
    """PHP writes every slash as `\\/`, also the one in the type."""
    value = {"url": data_url(), "b64_json": text()}
    escaped = json.dumps(value).replace("/", "\\/").encode()
    assert b"image\\/png" in escaped
    made = orjson.loads(in_one(escaped))
    assert made["b64_json"] == stands_for(PNG)
    assert made["url"] == stands_for(PNG, "image/png")


def test_media_cut_off_by_the_bound() -> None:
    whole = json.dumps({"b64_json": text(PNG * 4)}).encode()
    for size in range(len(whole) - 20, len(whole) - 2):
        made = in_one(whole[:size])
        assert made.startswith(b'{"b64_json": "tracer:media;type=application/octet-stream;bytes=')
        assert len(made) < 150


NOT_MEDIA = [
    {"content": "a" * 300},  # no key of media
    {"content": text()},
    {"data": "x" * (MIN_BASE64 - 1)},
    {"data": "some words " * 50},
    {"result": "line\n" * 100},
    {"url": "https://example.com/" + "a" * 300},
    {"url": "https://example.com/a?" + "data=" * 60},
    {"content": "data:image/png;base64, is how it begins"},
    {"content": 'he said "data":"' + "a" * 300},
    {"arguments": json.dumps({"data": "word " * 60})},
    {"bytes": [1] * 300, "data": None, "image": {"url": "https://e.com/a.png"}},
    {"metadata": "b" * 400, "mydata": "c" * 400},
]


@pytest.mark.parametrize("value", NOT_MEDIA)
def test_what_is_no_media_is_untouched(value: object) -> None:
    for data in (orjson.dumps(value), json.dumps(value, indent=1).encode()):
        assert in_one(data) is data


KEYS = st.sampled_from(["data", "b64_json", "url", "content", "result", "text"])
STRINGS = st.one_of(
    st.text('ab/+=- \n"\\', max_size=30),
    st.binary(max_size=600).map(lambda raw: base64.b64encode(raw).decode()),
    st.text('ab"\\\n', min_size=1, max_size=9).map(lambda end: "A" * 300 + end + "B" * 300),
    st.binary(max_size=300).map(data_url),
)
DOCUMENTS = st.lists(st.dictionaries(KEYS, STRINGS, max_size=3), max_size=4)


@given(DOCUMENTS, st.booleans())
def test_json_stays_json_and_text_stays_text(value: object, escape: bool) -> None:
    data = orjson.dumps(value)
    made = orjson.loads(in_one(data.replace(b"/", b"\\/") if escape else data))

    def same(before: object, after: object) -> None:
        if isinstance(before, str):
            assert after == before or str(after).startswith("tracer:media;")
            assert after == before or not set('"\\\n ') & set(before)
        elif isinstance(before, dict):
            assert isinstance(after, dict)
            assert list(before) == list(after)
            for key in before:
                same(before[key], after[key])
        else:
            assert isinstance(before, list)
            assert isinstance(after, list)
            for one, other in zip(before, after, strict=True):
                same(one, other)

    same(value, made)


@given(DOCUMENTS, st.lists(st.integers(1, 400), max_size=30))
def test_any_cut_into_pieces_adds_up(value: object, sizes: list[int]) -> None:
    data = orjson.dumps(value)
    lengths = array("I")
    left = len(data)
    for size in sizes:
        lengths.append(min(size, left))
        left -= lengths[-1]
    lengths.append(left)
    made, kept = media.replace_media(data, lengths)
    assert made == in_one(data)
    assert len(kept) == len(lengths)
    assert sum(kept) == len(made)


def test_what_stands_for_media_counts_to_the_piece_in_which_it_ended() -> None:
    before, after = b'{"b64_json":"', b'","x":1}'
    data = before + text().encode() + after
    cuts = [len(before), 100, len(text()) - 100, len(after)]
    _, kept = media.replace_media(data, array("I", cuts))
    assert list(kept) == [len(before), 0, len(stands_for(PNG)), len(after)]


@given(st.binary(max_size=2000))
def test_any_bytes(data: bytes) -> None:
    assert in_one(data) == data or b"tracer:media" in in_one(data)


AS_WRITTEN = re.compile(
    rb'"(?:data:(?P<type>[\w.+-]+\\?/[\w.+-]+)(?:;[\w=.+-]+)*;base64,)?(?P<text>[A-Za-z0-9+/_=\\-]{%d,}+)(?="|\Z)' % MIN_BASE64
)
bits = st.sampled_from(
    [
        b'"',
        b"data:image/png;base64,",
        b"data:a/b;x=y;base64,",
        b" ",
        b'{"data":"',
        b'"url": "',
        b"A" * 15,
        b"A" * 17,
        b"\\/",
        b"-_=",
    ]
) | st.integers(200, 700).map(lambda count: (b"Zm9v" * 200)[:count])


@given(st.lists(bits, max_size=14).map(b"".join))
def test_strings_of_base64_are_found_as_one_would_write_them_down(data: bytes) -> None:
    found = [(each.start, each.end, each.text, each.type) for each in media._strings(data)]
    assert media._may_hold(data) or not found
    assert found == [(m.start() + 1, m.end(), m["text"], m["type"]) for m in AS_WRITTEN.finditer(data)]
