"""Calls by the official SDKs as their users write them, base URL changed and nothing else; run in an environment that has them.

    python say.py '{"url": "http://127.0.0.1:8787", "key": "…"}' anthropic.plain anthropic.stream …

prints one JSON object: by name what came of the call, or {"raised": class, "status": …, "message": …}.
"""

import json
import os
import sys
from collections.abc import Callable
from typing import Any

ASK = "How is the weather in Oslo?"
MESSAGES: list[Any] = [{"role": "user", "content": ASK}]
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
Do = Callable[[str, str], Any]


def _anthropic(url: str, key: str) -> Any:
    import anthropic

    return anthropic.Anthropic(base_url=url, api_key=key, max_retries=0)


def anthropic_plain(url: str, key: str) -> Any:
    made = _anthropic(url, key).messages.create(model="claude-x", max_tokens=99, messages=MESSAGES)
    return {"text": made.content[0].text, "tokens": made.usage.output_tokens, "request_id": made._request_id}


def anthropic_stream(url: str, key: str) -> Any:
    with _anthropic(url, key).messages.stream(model="claude-x", max_tokens=99, messages=MESSAGES) as stream:
        text = "".join(stream.text_stream)
        return {"text": text, "tokens": stream.get_final_message().usage.output_tokens}


def anthropic_tools(url: str, key: str) -> Any:
    tools = [{"name": "weather", "input_schema": SCHEMA}]
    asked: Any = {"model": "claude-x", "max_tokens": 99, "messages": MESSAGES, "tools": tools}
    plain = _anthropic(url, key).messages.create(**asked).content[0]
    with _anthropic(url, key).messages.stream(**asked) as stream:
        streamed = stream.get_final_message().content[0]
    return [plain.input, streamed.input]


def anthropic_beta(url: str, key: str) -> Any:
    made = _anthropic(url, key).beta.messages.create(
        model="claude-x", max_tokens=99, messages=MESSAGES, betas=["context-1m-2025-08-07"]
    )
    return made.content[0].text


def anthropic_error(url: str, key: str) -> Any:
    return _anthropic(url, key).messages.create(model="no-such-model", max_tokens=9, messages=MESSAGES)


def anthropic_count(url: str, key: str) -> Any:
    return _anthropic(url, key).messages.count_tokens(model="claude-x", messages=MESSAGES).input_tokens


def anthropic_batches(url: str, key: str) -> Any:
    client = _anthropic(url, key)
    params: Any = {"model": "claude-x", "max_tokens": 9, "messages": MESSAGES}
    made = client.messages.batches.create(requests=[{"custom_id": "a", "params": params}])
    return [made.id, *[batch.id for batch in client.messages.batches.list()]]


def anthropic_models(url: str, key: str) -> Any:
    return [model.id for model in _anthropic(url, key).models.list()]


def anthropic_abort(url: str, key: str) -> Any:
    asked: Any = {"model": "claude-x", "max_tokens": 99, "messages": MESSAGES, "system": "slowly"}
    with _anthropic(url, key).messages.stream(**asked) as stream:
        return next(iter(stream.text_stream))


def anthropic_real(url: str, key: str) -> Any:
    """By a real model, which need not be told its name."""
    client = _anthropic(url, key)
    asked: Any = {"model": "smollm2", "max_tokens": 8, "messages": MESSAGES, "extra_body": {"temperature": 0}}
    plain = client.messages.create(**asked)
    with client.messages.stream(**asked) as stream:
        text = "".join(stream.text_stream)
    return {"text": plain.content[0].text, "streamed": text, "usage": [plain.usage.input_tokens, plain.usage.output_tokens]}


def _google(url: str, key: str) -> Any:
    """To be kept in a variable: it closes its connections when nobody holds it."""
    from google import genai

    return genai.Client(api_key=key, http_options=genai.types.HttpOptions(base_url=url))


def google_plain(url: str, key: str) -> Any:
    client = _google(url, key)
    made = client.models.generate_content(model="gemini-3-flash", contents=ASK)
    return {"text": made.text, "tokens": made.usage_metadata.total_token_count}


def google_stream(url: str, key: str) -> Any:
    client = _google(url, key)
    pieces = list(client.models.generate_content_stream(model="gemini-3-flash", contents=ASK))
    return {"text": "".join(piece.text for piece in pieces), "tokens": pieces[-1].usage_metadata.total_token_count}


def google_tools(url: str, key: str) -> Any:
    tool = {"function_declarations": [{"name": "weather", "parameters_json_schema": SCHEMA}]}
    client = _google(url, key)
    made = client.models.generate_content(model="gemini-3-flash", contents=ASK, config={"tools": [tool]})
    return made.function_calls[0].args


def google_error(url: str, key: str) -> Any:
    client = _google(url, key)
    return client.models.generate_content(model="no-such-model", contents=ASK)


def google_count(url: str, key: str) -> Any:
    client = _google(url, key)
    vectors = client.models.embed_content(model="gemini-embedding-001", contents=[ASK]).embeddings
    return [client.models.count_tokens(model="gemini-3-flash", contents=ASK).total_tokens, vectors[0].values[0]]


def google_models(url: str, key: str) -> Any:
    client = _google(url, key)
    return [model.name for model in client.models.list()]


def google_abort(url: str, key: str) -> Any:
    config = {"system_instruction": "slowly"}
    client = _google(url, key)
    stream = client.models.generate_content_stream(model="gemini-3-flash", contents=ASK, config=config)
    text = next(iter(stream)).text
    stream.close()
    return text


def mistral_plain(url: str, key: str) -> Any:
    from mistralai.client import Mistral

    with Mistral(api_key=key, server_url=f"{url}/proxy/mistral-ai") as client:
        return client.chat.complete(model="mistral-small", messages=MESSAGES).choices[0].message.content


def mistral_stream(url: str, key: str) -> Any:
    from mistralai.client import Mistral

    with Mistral(api_key=key, server_url=f"{url}/proxy/mistral-ai") as client:
        stream = client.chat.stream(model="mistral-small", messages=MESSAGES)
        return "".join(event.data.choices[0].delta.content for event in stream)


def _cohere(url: str, key: str) -> Any:
    import cohere

    return cohere.ClientV2(api_key=key, base_url=f"{url}/proxy/cohere")


def cohere_plain(url: str, key: str) -> Any:
    return _cohere(url, key).chat(model="command-a", messages=MESSAGES).message.content[0].text


def cohere_stream(url: str, key: str) -> Any:
    stream = _cohere(url, key).chat_stream(model="command-a", messages=MESSAGES)
    return "".join(event.delta.message.content.text for event in stream if event.type == "content-delta")


def cohere_error(url: str, key: str) -> Any:
    return _cohere(url, key).chat(model="no-such-model", messages=MESSAGES)


def _like_openai(client: Any, model: str, stream: bool) -> Any:
    if not stream:
        return client.chat.completions.create(model=model, messages=MESSAGES).choices[0].message.content
    pieces = list(client.chat.completions.create(model=model, messages=MESSAGES, stream=True))
    return "".join(piece.choices[0].delta.content or "" for piece in pieces if piece.choices)


def _groq(url: str, key: str, stream: bool) -> Any:
    import groq

    return _like_openai(groq.Groq(api_key=key, base_url=f"{url}/proxy/groq", max_retries=0), "llama-3.3-70b", stream)


def _together(url: str, key: str, stream: bool) -> Any:
    import together

    return _like_openai(together.Together(api_key=key, base_url=f"{url}/proxy/together-ai"), "meta-llama/Llama-3", stream)


def _cerebras(url: str, key: str, stream: bool) -> Any:
    from cerebras.cloud.sdk import Cerebras

    client = Cerebras(api_key=key, base_url=f"{url}/proxy/cerebras", warm_tcp_connection=False, max_retries=0)
    return _like_openai(client, "llama3.1-8b", stream)


def _openai(url: str, key: str, stream: bool) -> Any:
    import openai

    return _like_openai(openai.OpenAI(api_key=key, base_url=f"{url}/proxy/openai/v1", max_retries=0), "gpt-4o-mini", stream)


def _azure(url: str, key: str, stream: bool) -> Any:
    import openai

    client = openai.AzureOpenAI(
        api_key=key, azure_endpoint=f"{url}/proxy/azure-openai", api_version="2024-10-21", max_retries=0
    )
    return _like_openai(client, "my-deployment", stream)


def _huggingface(url: str, key: str, stream: bool) -> Any:
    from huggingface_hub import InferenceClient

    client = InferenceClient(base_url=f"{url}/proxy/huggingface", api_key=key)
    return _like_openai(client, "meta-llama/Llama-3.1-8B-Instruct", stream)


def _ollama(url: str, key: str, stream: bool) -> Any:
    import ollama

    client = ollama.Client(host=f"{url}/proxy/ollama", headers={"Authorization": f"Bearer {key}"})
    if stream:
        return "".join(piece.message.content for piece in client.chat(model="llama3.2", messages=MESSAGES, stream=True))
    return client.chat(model="llama3.2", messages=MESSAGES).message.content


def ollama_error(url: str, key: str) -> Any:
    import ollama

    return ollama.Client(host=f"{url}/proxy/ollama").chat(model="no-such-model", messages=MESSAGES)


def _writer(url: str, key: str, stream: bool) -> Any:
    from writerai import Writer

    client = Writer(api_key=key, base_url=f"{url}/proxy/writer", max_retries=0)
    if stream:
        pieces = list(client.chat.chat(model="palmyra-x5", messages=MESSAGES, stream=True))
        return "".join(piece.choices[0].delta.content or "" for piece in pieces)
    return client.chat.chat(model="palmyra-x5", messages=MESSAGES).choices[0].message.content


def unknown_provider(url: str, key: str) -> Any:
    import openai

    client = openai.OpenAI(api_key=key, base_url=f"{url}/proxy/nobodys/v1", max_retries=0)
    return client.chat.completions.create(model="m", messages=MESSAGES)


MODEL = "anthropic.claude-3-5-sonnet-20240620-v1:0"
AMAZONS_HOST = "bedrock-runtime.eu-west-1.amazonaws.com"
TALK: list[Any] = [{"role": "user", "content": [{"text": ASK}]}]


def _bedrock(key: str, **given: Any) -> Any:
    import boto3
    from botocore.config import Config

    config = Config(retries={"max_attempts": 0}, **given.pop("config", {}))
    session = boto3.Session(aws_access_key_id=key, aws_secret_access_key="secret-of-the-caller-0001", region_name="eu-west-1")
    return session.client("bedrock-runtime", config=config, **given)


def _converse(client: Any) -> Any:
    plain = client.converse(modelId=MODEL, messages=TALK)["output"]["message"]["content"][0]["text"]
    stream = client.converse_stream(modelId=MODEL, messages=TALK)["stream"]
    return [plain, "".join(event["contentBlockDelta"]["delta"]["text"] for event in stream if "contentBlockDelta" in event)]


def bedrock_by_endpoint(url: str, key: str) -> Any:
    """Signed for Tracer: what comes of it is the upstream's to say, or a server-side key's."""
    return _converse(_bedrock(key, endpoint_url=f"{url}/proxy/bedrock"))


def bedrock_by_http_proxy(url: str, key: str) -> Any:
    """Signed for Amazon's host, which Tracer is the HTTP proxy to."""
    client = _bedrock(key, endpoint_url=f"http://{AMAZONS_HOST}", config={"proxies": {"http": url}})
    return _converse(client)


def bedrock_by_hook(url: str, key: str) -> Any:
    """Signed for Amazon's host; only then the request is turned to Tracer."""
    client = _bedrock(key)

    def to_tracer(request: Any, **_: Any) -> None:
        request.url = request.url.replace(f"https://{AMAZONS_HOST}", f"{url}/proxy/bedrock")

    client.meta.events.register("before-send.bedrock-runtime", to_tracer)
    return _converse(client)


def bedrock_by_environment(url: str, key: str) -> Any:
    """The same as by_http_proxy, and no line of the program changed."""
    os.environ |= {"AWS_ENDPOINT_URL_BEDROCK_RUNTIME": f"http://{AMAZONS_HOST}", "HTTP_PROXY": url, "http_proxy": url}
    try:
        return _converse(_bedrock(key))
    finally:
        for name in ("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "HTTP_PROXY", "http_proxy"):
            del os.environ[name]


def bedrock_by_token(url: str, key: str) -> Any:
    """With one of Bedrock's API keys, which boto3 gives to https endpoints only, and the hook."""
    os.environ["AWS_BEARER_TOKEN_BEDROCK"] = key
    try:
        return bedrock_by_hook(url, key)
    finally:
        del os.environ["AWS_BEARER_TOKEN_BEDROCK"]


def bedrock_invoke(url: str, key: str) -> Any:
    client = _bedrock(key, endpoint_url=f"{url}/proxy/bedrock")
    made = json.loads(client.invoke_model(modelId=MODEL, body=json.dumps({"messages": MESSAGES}))["body"].read())
    stream = client.invoke_model_with_response_stream(modelId=MODEL, body=b"{}")["body"]
    words = [json.loads(event["chunk"]["bytes"]).get("delta", {}).get("text", "") for event in stream]
    return [made["content"][0]["text"], "".join(words)]


def bedrock_error(url: str, key: str) -> Any:
    return _bedrock(key, endpoint_url=f"{url}/proxy/bedrock").converse(modelId="no-such-model", messages=TALK)


DO: dict[str, Do] = {
    **{
        name.replace("_", ".", 1): made
        for name, made in list(globals().items())
        if callable(made) and not name.startswith("_") and getattr(made, "__module__", "") == __name__
    },
    **{
        f"{name}.{kind}": lambda url, key, ask=ask, stream=stream: ask(url, key, stream)  # type: ignore[misc]
        for name, ask in {
            "groq": _groq,
            "together": _together,
            "cerebras": _cerebras,
            "openai": _openai,
            "azure": _azure,
            "huggingface": _huggingface,
            "ollama": _ollama,
            "writer": _writer,
        }.items()
        for kind, stream in (("plain", False), ("stream", True))
    },
}


def tried(name: str, url: str, key: str) -> Any:
    """What came of one call."""
    try:
        return DO[name](url, key)
    except Exception as error:
        status = getattr(error, "status_code", None) or getattr(error, "code", None)
        if (response := getattr(error, "response", None)) is not None and isinstance(response, dict):
            status = response["ResponseMetadata"]["HTTPStatusCode"]
        return {"raised": type(error).__name__, "status": status, "message": str(error)}


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    print(json.dumps({name: tried(name, given["url"], given["key"]) for name in sys.argv[2:]}))
