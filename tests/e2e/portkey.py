"""Portkey's SDK for Python before a running Tracer."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import portkey_ai

from tests.e2e.stack import Stack


@contextmanager
def portkey(stack: Stack, trace_id: str, **given: Any) -> Iterator[Any]:
    """A client whose connections all end with the context: the SDK forgets those of the client that its chats go by."""
    with portkey_ai.Portkey(**{"base_url": stack.url, "api_key": "pk-test", "trace_id": trace_id, **given}) as client:
        try:
            yield client
        finally:
            client.openai_client.close()
