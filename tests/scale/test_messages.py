"""Messages and tools in SGP's lenient shapes, and what last_k keeps."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer.scale.messages import last_k, normalised, without_cache_control

PNG = "iVBORw0KGgo="


def made(*messages: dict[str, Any]) -> tuple[list[dict[str, Any]], list[str]]:
    notes: list[str] = []
    return normalised(list(messages), notes.append), notes


@pytest.mark.parametrize(
    ("message", "role"),
    [
        ({"content": "Hi"}, "user"),
        ({"content": "Hi", "role": None}, "user"),
        ({"content": [{"type": "text", "text": "Hi"}]}, "user"),
        ({"content": "42", "tool_call_id": "c1"}, "tool"),
        ({"content": "Hi", "tool_calls": []}, "user"),
        ({"tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]}, "assistant"),
        ({"content": None, "function_call": {"name": "f", "arguments": "{}"}}, "assistant"),
    ],
)
def test_a_missing_role_is_told_by_the_other_keys(message: dict[str, Any], role: str) -> None:
    (got,), notes = made(message)
    assert got == {**message, "role": role}
    assert notes == [f"messages: a missing role was taken for {role}"]
    assert message.get("role") is None  # the caller's own is not changed


def test_a_single_part_is_put_into_an_array() -> None:
    part = {"type": "text", "text": "Hi"}
    (got,), notes = made({"role": "user", "content": part})
    assert got == {"role": "user", "content": [part]}
    assert notes == ["messages: a single content part was put into an array"]


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ({"url": PNG, "media_type": "image/png"}, {"url": f"data:image/png;base64,{PNG}"}),
        ({"url": PNG, "media_type": "image/png", "detail": "low"}, {"url": f"data:image/png;base64,{PNG}", "detail": "low"}),
        ({"url": f"data:image/gif;base64,{PNG}", "media_type": "image/png"}, {"url": f"data:image/gif;base64,{PNG}"}),
        ({"url": "https://example.com/a.png", "media_type": "image/png"}, {"url": "https://example.com/a.png"}),
        ({"url": "", "media_type": "image/png"}, {"url": ""}),
        ({"url": PNG, "media_type": None}, {"url": PNG}),
        ({"media_type": "image/png"}, {}),
    ],
)
@pytest.mark.parametrize("single", [True, False])
def test_the_type_of_an_image_goes_into_its_url(image: dict[str, Any], expected: dict[str, Any], single: bool) -> None:
    part = {"type": "image_url", "image_url": image}
    (got,), notes = made({"role": "user", "content": part if single else [part, {"type": "text", "text": "?"}]})
    assert got["content"][0] == {"type": "image_url", "image_url": expected}
    assert len(notes) == 1 + single


def test_a_tool_call_gets_the_arguments_that_openai_wants() -> None:
    calls = [
        {"id": "1", "type": "function", "function": {"name": "f"}},
        {"id": "2", "function": {"name": "g", "arguments": "{1}"}},
    ]
    (got,), notes = made({"role": "assistant", "tool_calls": calls})
    assert [call["function"].get("arguments") for call in got["tool_calls"]] == ["{}", "{1}"]
    assert notes == ["messages: a tool call without arguments was given `{}`"]


def test_one_note_for_each_kind_of_change() -> None:
    _, notes = made(*[{"content": "a"}] * 3, {"content": {"type": "text", "text": "b"}, "role": "user"})
    assert notes == [
        "messages: a missing role was taken for user (3 times)",
        "messages: a single content part was put into an array",
    ]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["role", "content", "type", "image_url", "url", "media_type", "tool_calls", "function", "arguments"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
MESSAGES = st.lists(
    st.dictionaries(st.sampled_from(["role", "content", "tool_calls", "name", "tool_call_id"]), JSON), max_size=4
)


@given(MESSAGES)
def test_nothing_breaks_it_and_what_fits_is_the_same_object(messages: list[dict[str, Any]]) -> None:
    got, notes = made(*messages)
    again, no_notes = made(*got)
    assert again == got
    assert all(new is old for new, old in zip(again, got, strict=True))
    assert not no_notes
    assert bool(notes) == (got != messages)


def said(*roles: str) -> list[dict[str, Any]]:
    return [{"role": role, "content": str(number)} for number, role in enumerate(roles)]


@pytest.mark.parametrize(
    ("roles", "k", "kept"),
    [
        ("user assistant user", 1, [2]),
        ("user assistant user", 2, [1, 2]),
        ("user assistant user", 9, [0, 1, 2]),
        ("system user assistant user", 1, [0, 3]),
        ("system developer user assistant user", 2, [0, 1, 3, 4]),
        ("user system user", 1, [2]),  # only those at the beginning stay
        ("system", 1, [0]),
        ("", 3, []),
        # A tool's message keeps its call, and the calls beside it.
        ("user assistant tool", 1, [1, 2]),
        ("system user assistant tool tool user", 2, [0, 2, 3, 4, 5]),
        ("system user assistant tool tool user", 3, [0, 2, 3, 4, 5]),
        ("user assistant tool assistant", 1, [3]),
        ("user assistant function user", 2, [1, 2, 3]),
        ("system tool user", 1, [0, 2]),
        ("system tool tool", 1, [0, 1, 2]),  # no call to keep it with: as it came
    ],
)
def test_last_k(roles: str, k: int, kept: list[int]) -> None:
    messages = said(*roles.split())
    assert [int(message["content"]) for message in last_k(messages, k)] == kept


@given(st.lists(st.sampled_from(["system", "user", "assistant", "tool"]), max_size=12), st.integers(1, 14))
def test_last_k_keeps_what_it_promises(roles: list[str], k: int) -> None:
    messages = said(*roles)
    got = last_k(messages, k)
    leading = next((at for at, role in enumerate(roles) if role != "system"), len(roles))
    rest = got[leading:]
    assert got[:leading] == messages[:leading]
    assert messages[len(messages) - len(rest) :] == rest  # the end of the conversation, without a hole
    assert len(rest) >= min(k, len(roles) - leading)
    if len(rest) < len(roles) - leading:
        assert rest[0]["role"] != "tool"
        assert all(message["role"] == "tool" for message in rest[1 : len(rest) - k + 1])  # not more than it must


def test_cache_control_is_taken_off() -> None:
    plain = {"type": "function", "function": {"name": "f"}}
    tools = [plain, {**plain, "cache_control": {"type": "ephemeral"}}]
    assert without_cache_control(tools) == [plain, plain]
    assert "cache_control" in tools[1]
    same = [plain]
    assert without_cache_control(same) is same
