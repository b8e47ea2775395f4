"""What the end-to-end tests ask the model. With a fixed seed and temperature 0, equal questions get equal answers."""

from typing import Any

from tracer.demo import model

MESSAGES: list[Any] = [{"role": "user", "content": "Name three fruits."}]
ASKED: dict[str, Any] = {"model": model.NAME, "messages": MESSAGES, "max_tokens": 8, "seed": 1, "temperature": 0}
WEATHER: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather in a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
# A conversation in which a tool was called before.
WITH_TOOLS: dict[str, Any] = {
    **ASKED,
    "messages": [
        {"role": "user", "content": "How is the weather in Oslo?"},
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Oslo"}'}}],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "rain"},
    ],
    "tools": [WEATHER],
    "tool_choice": "auto",
}
SIMPLE = {"cache": {"mode": "simple", "max_age": 3600}}
