from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tracer.sink.body import Plain
from tracer.sink.request import Asked, read_request

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


def generation(**config: Any) -> dict[str, Any]:
    return {"contents": [], "generationConfig": config}


DIALECTS: dict[str, tuple[str, dict[str, Any], Asked]] = {
    "Gemini": (
        "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse",
        {
            **generation(temperature=0.5, topP=0.9, maxOutputTokens=64, seed=4, candidateCount=2),
            "tools": [
                {"functionDeclarations": [{"name": "a"}, {"name": "b"}, {}]},
                {"googleSearch": {}},
                {"codeExecution": {}},
            ],
        },
        Asked(
            model="gemini-2.5-flash",
            stream=True,
            temperature=0.5,
            top_p=0.9,
            max_tokens=64,
            seed=4,
            n=2,
            tools=("a", "b", "googleSearch", "codeExecution"),
        ),
    ),
    "Converse": (
        "/model/us.amazon.nova-lite-v1%3A0/converse-stream",
        {
            "messages": [],
            "inferenceConfig": {"maxTokens": 5, "temperature": 0, "topP": 1},
            "toolConfig": {"tools": [{"toolSpec": {"name": "a"}}, {"cachePoint": {"type": "default"}}], "toolChoice": {}},
        },
        Asked(
            model="us.amazon.nova-lite-v1:0",
            stream=True,
            temperature=0.0,
            top_p=1.0,
            max_tokens=5,
            tools=("a",),
        ),
    ),
    "Anthropic": (
        "/v1/messages",
        {
            "model": "c",
            "max_tokens": 9,
            "stream": True,
            "messages": [],
            "metadata": {"user_id": "u"},
            "tools": [{"name": "a", "input_schema": {}}, {"type": "web_search_20250305", "name": "web_search"}],
        },
        Asked(model="c", user="u", stream=True, max_tokens=9, tools=("a", "web_search")),
    ),
    "Anthropic's completions": ("/v1/complete", {"prompt": "x", "max_tokens_to_sample": 7}, Asked(max_tokens=7)),
    "Cohere v2": ("/v2/chat", {"model": "c", "messages": [], "p": 0.3}, Asked(model="c", top_p=0.3)),
    "Cohere v1": (
        "/v1/chat",
        {"model": "c", "message": "x", "p": 0.3, "tools": [{"name": "a", "parameter_definitions": {}}]},
        Asked(model="c", top_p=0.3, tools=("a",)),
    ),
    "Ollama, which streams unless told not to": (
        "/api/chat",
        {"model": "l", "messages": [], "options": {"temperature": 1, "top_p": 0.5, "num_predict": 3, "seed": 8}},
        Asked(model="l", stream=True, temperature=1.0, top_p=0.5, max_tokens=3, seed=8),
    ),
    "Ollama, told not to": ("/api/generate", {"model": "l", "prompt": "x", "stream": False}, Asked(model="l")),
    "Titan": (
        "/model/amazon.titan-text-express-v1/invoke",
        {"inputText": "x", "textGenerationConfig": {"maxTokenCount": 3, "temperature": 0.1, "topP": 0.2}},
        Asked(model="amazon.titan-text-express-v1", temperature=0.1, top_p=0.2, max_tokens=3),
    ),
    "Llama": (
        "/model/meta.llama3-v1%3A0/invoke",
        {"prompt": "x", "max_gen_len": 3},
        Asked(model="meta.llama3-v1:0", max_tokens=3),
    ),
    "AI21": (
        "/model/ai21.j2/invoke",
        {"prompt": "x", "maxTokens": 3, "topP": 0.5},
        Asked(model="ai21.j2", top_p=0.5, max_tokens=3),
    ),
    "text-generation-inference": (
        "/generate_stream",
        {"inputs": "x", "parameters": {"max_new_tokens": 3, "temperature": 0.5}},
        Asked(stream=True, temperature=0.5, max_tokens=3),
    ),
    "llama.cpp": ("/completion", {"prompt": "x", "n_predict": 3, "seed": 1}, Asked(max_tokens=3, seed=1)),
}


@pytest.mark.parametrize("name", DIALECTS)
def test_parameters_of_every_dialect(name: str) -> None:
    path, sent, expected = DIALECTS[name]
    found = read(orjson.dumps(sent), path)
    assert replace(found, extra={}) == expected
    assert '"x"' not in "".join(found.extra.values())


def test_one_name_of_a_parameter_wins_over_another() -> None:
    found = read(orjson.dumps({"inputs": 1, "temperature": 0.1, "parameters": {"temperature": 0.9, "top_p": 0.2}}))
    assert (found.temperature, found.top_p) == (0.1, 0.2)
    assert read(orjson.dumps(generation(temperature="hot", topP=None))).temperature is None


def test_the_metadata_of_other_dialects_is_not_whose_call_it_is() -> None:
    assert read(b'{"metadata":{"user_id":"u"}}', "/v1/chat/completions").user == ""


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
    assert read(b"", "/model/us.amazon.nova-lite-v1%3A0/converse").model == "us.amazon.nova-lite-v1:0"
    form = b'--b\r\nContent-Disposition: form-data; name="model"\r\n\r\nwhisper-1\r\n--b--'
    assert read(form, "/v1/audio/transcriptions", "multipart/form-data").model == "whisper-1"


@pytest.mark.parametrize("turned", [False, True], ids=["messages first", "messages last"])
def test_parameters_of_a_body_with_a_gap(turned: bool) -> None:
    items = list(FULL.items())
    data = orjson.dumps(dict(reversed(items)) if turned else FULL)
    found = read_request(Plain(data[:300], data[-300:], True), "application/json", "/v1/chat/completions")
    assert (found.model, found.stream, found.seed, found.user) == ("gpt-4o", True, -1, "u-1")
