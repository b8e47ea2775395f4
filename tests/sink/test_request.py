from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer.sink.body import Plain
from tracer.sink.request import Asked, read_request, route

FULL: dict[str, Any] = {
    "messages": [{"role": "user", "content": "x" * 200}],
    "model": "gpt-4o",
    "user": "u-1",
    "stream": True,
    "temperature": 0,
    "top_p": 0.5,
    "max_completion_tokens": 100,
    "max_tokens": 7,
    "seed": -1,
    "n": 2,
    "tools": [
        {"type": "function", "function": {"name": "weather"}},
        {"type": "function", "name": "responses_style"},
        {"type": "web_search"},
        "nonsense",
    ],
}
ASKED = Asked(
    model="gpt-4o",
    user="u-1",
    stream=True,
    temperature=0.0,
    top_p=0.5,
    max_tokens=100,
    seed=-1,
    n=2,
    tools=("weather", "responses_style", "web_search"),
)


def read(body: bytes, path: str = "/v1/chat/completions", media: str = "application/json") -> Asked:
    return read_request(Plain(body), media, path)


ROUTES = {
    "/v1/chat/completions": ("/v1/chat/completions", "chat"),
    "/v1/chat/completions/?beta=true": ("/v1/chat/completions", "chat"),
    "/v1/completions": ("/v1/completions", "text_completion"),
    "/v1/embeddings": ("/v1/embeddings", "embeddings"),
    "/v1/responses": ("/v1/responses", "chat"),
    "/v1/responses/input_tokens": ("/v1/responses/input_tokens", ""),
    "/v1/responses/resp_689f74aebf70/cancel": ("/v1/responses/{id}/cancel", ""),
    "/v1/threads/thread_abc123/messages": ("/v1/threads/{id}/messages", ""),
    "/v1/messages": ("/v1/messages", "chat"),
    "/v1/prompts/pp-gira-5cd6b6@12/completions": ("/v1/prompts/{prompt}/completions", "chat"),
    "/v1/prompts/pp-gira-5cd6b6/render": ("/v1/prompts/{prompt}/render", ""),
    "/v4/beta/chat/completions": ("/v4/beta/chat/completions", "chat"),
    "/openai/deployments/ours-4o/chat/completions?api-version=1": ("/openai/deployments/{deployment}/chat/completions", "chat"),
    "/v1beta/models/gemini-2.5-flash:generateContent": ("/v1beta/models/{model}:generateContent", "generate_content"),
    "/v1/files/file-abc123/content": ("/v1/files/{id}/content", ""),
    "/v1/batches/6f0c8a52-1111-4222-8333-444455556666": ("/v1/batches/{id}", ""),
    "/v1/things/" + "a-1" * 3000 + "!": ("/v1/things/" + "a-1" * 3000 + "!", ""),
    "/v1/audio/transcriptions": ("/v1/audio/transcriptions", ""),
    "/": ("/", ""),
}


@pytest.mark.parametrize("path", ROUTES)
def test_paths(path: str) -> None:
    found = route("POST", path)
    assert (found.endpoint, found.operation) == ROUTES[path]


def test_only_a_post_is_an_operation() -> None:
    assert route("GET", "/v1/responses").operation == ""
    assert route("post", "/v1/responses").operation == "chat"
    assert route("WEBSOCKET", "/v1/realtime?model=x").operation == "realtime"


def test_every_parameter() -> None:
    assert read(orjson.dumps(FULL)) == ASKED


def test_parameters_without_a_column_are_kept_as_json() -> None:
    sent = {**FULL, "stop": ["a"], "logit_bias": {"50256": -100}, "top_k": 5, "parallel_tool_calls": None, "ü": "ä"}
    assert read(orjson.dumps(sent)).extra == {
        "stop": '["a"]',
        "logit_bias": '{"50256":-100}',
        "top_k": "5",
        "parallel_tool_calls": "null",
        "ü": '"ä"',
    }


@pytest.mark.parametrize(
    "name",
    ["messages", "input", "prompt", "tools", "functions", "system", "contents", "instructions", "prediction", "variables"],
)
def test_what_was_said_is_no_parameter(name: str) -> None:
    assert read(orjson.dumps({name: "secret", "top_k": 1})).extra == {"top_k": "1"}


def test_extra_parameters_are_bounded() -> None:
    found = read(orjson.dumps({"long": "x" * 5000, "y" * 5000: 1, **{f"p{number}": number for number in range(100)}})).extra
    assert len(found) == 64
    assert len(found["long"]) == 1024
    assert found["long"].endswith("…")
    assert found["p5"] == "5"


def test_a_parameter_too_deep_to_be_written_again() -> None:
    assert read(b'{"deep":' + b"[" * 500 + b"]" * 500 + b',"top_k":1}').extra == {"deep": "…", "top_k": "1"}


def test_what_the_first_body_had_and_the_second_has_not_is_extra_too() -> None:
    first, second = b'{"chat_template":"t","top_k":1,"model":"v/m"}', b'{"model":"m","top_k":2}'
    found = read_request(Plain(second), "application/json", "/v5/chat/completions", Plain(first))
    assert (found.model, found.extra) == ("m", {"top_k": "2", "chat_template": '"t"'})
    for unreadable in (Plain(b"["), Plain(b"[]"), Plain(first, b"tail", True)):
        assert read_request(Plain(second), "application/json", "/v5/x", unreadable).extra == {"top_k": "2"}


WRONG_TYPES = ["model", "user", "stream", "temperature", "top_p", "max_completion_tokens", "seed", "n", "tools"]
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(1 << 63), (1 << 64) - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(),
    st.just([[]]),
)


@given(st.dictionaries(st.sampled_from(WRONG_TYPES), VALUES))
def test_values_of_the_wrong_type_are_left_out(values: dict[str, Any]) -> None:
    found = read(orjson.dumps(values))
    assert isinstance(found.stream, bool)
    assert found.n is None or 0 <= found.n < 1 << 32
    assert found.temperature is None or abs(found.temperature) < 1e15


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b'"x"', b"{", b"\xff", b"[" * 5000])
def test_what_is_no_request_body_is_no_parameters(body: bytes) -> None:
    assert read(body) == Asked()


def test_the_model_may_stand_in_the_path_or_in_a_form() -> None:
    assert read(b"{}", "/openai/deployments/ours/chat/completions").model == "ours"
    assert read(b"{}", "/v1beta/models/gemini-2.5-flash:generateContent").model == "gemini-2.5-flash"
    form = b'--b\r\nContent-Disposition: form-data; name="model"\r\n\r\nwhisper-1\r\n--b--'
    assert read(form, "/v1/audio/transcriptions", "multipart/form-data").model == "whisper-1"


@pytest.mark.parametrize("turned", [False, True], ids=["messages first", "messages last"])
def test_parameters_of_a_body_with_a_gap(turned: bool) -> None:
    items = list(FULL.items())
    data = orjson.dumps(dict(reversed(items)) if turned else FULL)
    found = read_request(Plain(data[:300], data[-300:], True), "application/json", "/v1/chat/completions")
    assert (found.model, found.stream, found.seed, found.user) == ("gpt-4o", True, -1, "u-1")
