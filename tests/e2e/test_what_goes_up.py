"""What SDKs' requests are when they reach a provider: which keys, which headers. The provider here is a scripted witness.

Requests go to it as a custom host, by Portkey's own option; in between is the running Tracer of the other end-to-end tests.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

import openai
import portkey_ai
import pytest

from tests.e2e.asked import ASKED
from tests.e2e.node import Node, do
from tests.e2e.portkey import portkey
from tests.e2e.stack import Stack
from tests.provider import Provider, Request

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]  # the first test that needs them installs the SDKs for Node

CHAT = "chat.completions.create"


async def one_request(witness: Provider, call: Callable[[], object]) -> Request:
    """What reached the provider of one call."""
    await asyncio.to_thread(call)
    (request,) = await witness.received(1)
    assert not [name for name, _ in request.headers if name.lower().startswith(("x-portkey-", "x-tracer-"))]
    return request


def host(witness: Provider) -> str:
    return f"{witness.url}/v1"


def python(stack: Stack, witness: Provider, call: Callable[[Any], object], **client: Any) -> None:
    with portkey(stack, "goes-up", custom_host=host(witness), **client) as made:
        call(made)


def chat(client: Any) -> object:
    return client.chat.completions.create(**ASKED)


async def test_pythons_placeholder_is_not_sent_as_a_key(stack: Stack, witness: Provider) -> None:
    """Without a provider's key the SDK sends `Bearer OPENAI_API_KEY`, those very words."""
    request = await one_request(witness, partial(python, stack, witness, chat, api_key="pk-1"))
    assert request.header("authorization") is None
    assert request.json() == ASKED


async def test_a_providers_key_goes_up_as_it_came(stack: Stack, witness: Provider) -> None:
    given = {"api_key": "pk-1", "Authorization": "Bearer sk-of-the-provider", "debug": True}
    request = await one_request(witness, partial(python, stack, witness, chat, **given))
    assert request.header("authorization") == "Bearer sk-of-the-provider"


async def test_nodes_key_without_bearer_gets_it(stack: Stack, witness: Provider, node: Node) -> None:
    given = {"customHost": host(witness), "Authorization": "sk-of-the-provider"}
    request = await one_request(witness, lambda: node.portkey(stack.url, do(CHAT, ASKED), **given))
    assert request.header("authorization") == "Bearer sk-of-the-provider"


async def test_portkeys_key_does_not_go_up_as_the_providers(stack: Stack, witness: Provider, node: Node) -> None:
    """Node's SDK makes calls other than chat by OpenAI's package, and gives it the Portkey key as `Authorization`."""
    body = {"model": "m", "input": "hi"}
    request = await one_request(
        witness, lambda: node.portkey(stack.url, do("responses.create", body), customHost=host(witness))
    )
    assert request.header("authorization") is None
    assert request.path == "/v1/responses"


async def test_a_portkey_key_sent_twice_by_openais_sdk_goes_nowhere(stack: Stack, witness: Provider) -> None:
    headers = portkey_ai.createHeaders(api_key="pk-same", custom_host=host(witness))

    def call() -> None:
        with openai.OpenAI(base_url=stack.url, api_key="pk-same", default_headers=headers, max_retries=0) as client:
            client.chat.completions.create(**ASKED)

    request = await one_request(witness, call)
    assert request.header("authorization") is None
    assert not any("pk-same" in value for _, value in request.headers)


async def test_headers_to_forward_go_up_and_nothing_secret_with_them(stack: Stack, witness: Provider) -> None:
    given = {"api_key": "pk-1", "forward_headers": ["X-Team", "x_portkey_api_key"], "X_Team": "blue"}
    request = await one_request(witness, partial(python, stack, witness, chat, **given))
    assert request.header("x-team") == "blue"
    assert not any("pk-1" in value for _, value in request.headers)


async def test_fields_that_nobody_knows_go_up(stack: Stack, witness: Provider, node: Node) -> None:
    body = {**ASKED, "top_k": 3, "my_own": {"a": [1, None]}, "metadata": {"of": "the body"}}
    request = await one_request(witness, lambda: node.portkey(stack.url, do(CHAT, body), customHost=host(witness)))
    assert request.json() == body
