"""Errors of Tracer's own, read by the official SDKs: each raises what it would for its provider's, with Tracer's words."""

from typing import Any

import pytest

from tests.native.sdks import say
from tests.proxy.conftest import Start
from tests.proxy.test_native import settings

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]  # the first test that needs them installs the SDKs

# By what raised it: of an upstream that cannot be reached, and of a caller without a key.
RAISED = {
    "anthropic.plain": ("InternalServerError", "AuthenticationError"),
    "anthropic.stream": ("InternalServerError", "AuthenticationError"),
    "google.plain": ("ServerError", "ClientError"),
    "google.stream": ("ServerError", "ClientError"),
    "cohere.plain": ("ApiError", "UnauthorizedError"),
    "groq.plain": ("InternalServerError", "AuthenticationError"),
    "openai.stream": ("InternalServerError", "AuthenticationError"),
    "azure.plain": ("InternalServerError", "AuthenticationError"),
    "ollama.plain": ("ResponseError", "ResponseError"),
    "writer.plain": ("InternalServerError", "AuthenticationError"),
    "bedrock.by_endpoint": ("ServiceUnavailableException", "AccessDeniedException"),
}


async def test_what_sdks_make_of_tracers_errors(start_proxy: Start, free_port: Any) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    async with start_proxy(**settings(nobody)) as proxy:
        came = await say(proxy.url, *RAISED)
    assert {name: error["raised"] for name, error in came.items()} == {name: kinds[0] for name, kinds in RAISED.items()}
    assert not {name: error for name, error in came.items() if "cannot be reached" not in error["message"]}
    async with start_proxy(**settings(nobody), TRACER_REQUIRE_KEY="always") as proxy:
        came = await say(proxy.url, *RAISED)
    assert {name: error["raised"] for name, error in came.items()} == {name: kinds[1] for name, kinds in RAISED.items()}
    assert not {name: error for name, error in came.items() if "no key of this Tracer" not in error["message"]}
