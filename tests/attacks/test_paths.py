"""Paths that mean another place to somebody: no spelling of a dot segment leaves the part of the API that a door opens."""

import re
from urllib.parse import unquote

import h11
import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.provider import Provider, reply
from tests.proxy.conftest import Proxy
from tests.proxy.http.wire import ask

DOT = [
    "..",
    ".",
    "%2e%2e",
    "%2E.",
    ".%2e",
    "%252e%252e",
    "%252E.",
    "..;",
    "..;x=y",
    "%2e%2e;",
    "...",
    "%c0%ae%c0%ae",
    "%e0%80%ae.",
]
DOT += [
    "%u002e%u002e",
    ".. ",
    "%2e%2e%20",
    "..%00",
    "..%0a",
    "..\\",
    "\\..",
    "%5c..",
    "..%5c",
    "%2e%2e%5c",
    "%ef%bc%8e%ef%bc%8e",
]
SLASH = ["/", "//", "%2f", "%2F", "%252f", "\\", "%5c", "/./", "%c0%af"]
DOORS = ["/v1/", "/v1/chat/", "/proxy/openai/v1/", "/v1beta/models/", "/v1/prompts/", "/v4/beta/chat/", "/v1//"]


def climbs(path: str) -> bool:
    """Whether a server that decodes twice, reads backslashes as slashes and drops parameters would go up somewhere."""
    plain = unquote(unquote(path)).replace("\\", "/")
    return any(re.fullmatch(r"\.{1,2}", segment.partition(";")[0]) for segment in plain.split("/"))


@hypothesis.settings(max_examples=150, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])
@given(
    door=st.sampled_from(DOORS),
    steps=st.lists(st.tuples(st.sampled_from([*DOT, "a", "models"]), st.sampled_from(SLASH)), min_size=1, max_size=4),
    query=st.sampled_from(["", "?x=../..", "?", "?/../"]),
)
async def test_no_spelling_climbs(
    proxy: Proxy, provider: Provider, door: str, steps: list[tuple[str, str]], query: str
) -> None:
    provider.always(reply(200, [], b"{}"))
    provider.requests.clear()
    path = door + "".join(step + slash for step, slash in steps) + "end"
    line = f"GET {path}{query} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n".encode("latin-1")
    try:
        got = await ask(proxy.port, line)
    except h11.RemoteProtocolError:
        pytest.fail(f"no reply to {path}")
    if got.status < 400:
        (request,) = provider.requests
        assert request.target == path.removeprefix("/proxy/openai") + query  # what passes, passes as it is
        assert not climbs(request.path), path
    else:
        assert not provider.requests
