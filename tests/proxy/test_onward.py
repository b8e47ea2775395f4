"""Where native requests go: regions, custom hosts, and no host that neither configuration nor the providers' table names."""

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from tests.provider import Provider, echo
from tests.proxy.conftest import Start
from tests.proxy.test_abuse import send
from tracer.config import Settings
from tracer.proxy.identity import ANYBODY
from tracer.proxy.native import Door
from tracer.proxy.onward import upstream_of
from tracer.proxy.portkey_config import NO_CONFIG
from tracer.proxy.providers import PROVIDERS
from tracer.proxy.refused import Refused
from tracer.proxy.route import routes
from tracer.proxy.sigv4 import Signature

ROUTES = routes(Settings())
VERTEX = "/v1/projects/p/locations/{}/publishers/google/models/g:generateContent"


def origin(door: Door, signed: Signature | None = None, **headers: str) -> str:
    sent = CIMultiDict((name.replace("_", "-"), value) for name, value in headers.items())
    return upstream_of(ROUTES, door, sent, NO_CONFIG, ANYBODY, signed).base_url


@pytest.mark.parametrize("slug", [slug for slug, known in PROVIDERS.items() if known.origin])
def test_every_provider_with_an_origin(slug: str) -> None:
    assert origin(Door("proxy", slug, "/x")) == PROVIDERS[slug].native_origin


@pytest.mark.parametrize(
    ("location", "host"),
    [
        ("us-central1", "us-central1-aiplatform.googleapis.com"),
        ("europe-west4", "europe-west4-aiplatform.googleapis.com"),
        ("global", "aiplatform.googleapis.com"),
        ("eu", "aiplatform.eu.rep.googleapis.com"),
        ("us", "aiplatform.us.rep.googleapis.com"),
    ],
)
@pytest.mark.parametrize("name", ["proxy", "gemini"])
def test_vertex_ais_location_names_its_host(location: str, host: str, name: str) -> None:
    assert origin(Door(name, "vertex-ai", VERTEX.format(location))) == f"https://{host}"
    assert origin(Door(name, "vertex-ai", "/v1beta1/publishers/google/models/g:x")) == "https://aiplatform.googleapis.com"


def test_bedrocks_region_is_the_signatures_or_the_hosts() -> None:
    door = Door("proxy", "bedrock", "/model/m/converse")
    signed = Signature("AK", "ap-southeast-2", frozenset())
    assert origin(door, signed) == "https://bedrock-runtime.ap-southeast-2.amazonaws.com"
    host = "bedrock-runtime-fips.us-gov-west-1.amazonaws.com"
    assert origin(door, signed, host=host) == f"https://{host}"
    assert origin(Door("proxy", "bedrock", "/model/m/converse", host), None) == f"https://{host}"
    assert origin(Door("proxy", "bedrock", "/model/m/converse", host + ":80"), None) == f"https://{host}"
    with pytest.raises(Refused, match="TRACER_UPSTREAM_BEDROCK"):
        origin(door, Signature("AK", "", frozenset()), host="bedrock.evil.example")


@given(st.text(max_size=60), st.sampled_from(["bedrock", "vertex-ai", "groq"]), st.text(max_size=30))
def test_no_path_and_no_host_leads_elsewhere(rest: str, slug: str, host: str) -> None:
    for path in ("/" + rest, VERTEX.format(rest)):
        try:
            made = urlsplit(origin(Door("proxy", slug, path), Signature("k", "us-east-1", frozenset()), host=host))
        except Refused:
            continue
        assert made.scheme == "https"
        assert made.path == ""
        assert (made.hostname or "").endswith((".googleapis.com", ".amazonaws.com", "api.groq.com"))
        assert made.username is None


@pytest.mark.parametrize(
    ("base", "path", "expected"),
    [
        ("/v1", "/v1/messages", "/v1/messages"),
        ("", "/v1/messages", "/v1/messages"),
        ("/gateway/v1/", "/v1/messages", "/gateway/v1/messages"),
        ("/gateway", "/proxy/cohere/v2/chat", "/gateway/v2/chat"),
    ],
)
async def test_a_custom_host(start_proxy: Start, provider: Provider, base: str, path: str, expected: str) -> None:
    provider.always(echo)
    there = provider.url.removeprefix("http://")
    async with start_proxy(TRACER_CUSTOM_HOSTS=there, TRACER_KEY_ANTHROPIC="sk-of-the-server") as proxy:
        status, got = await send(proxy, path, b"{}", {"x-portkey-custom-host": provider.url + base})
        assert (status, got["target"]) == (200, expected)
        assert "sk-of-the-server" not in repr(got)  # it is not for hosts that callers name
        status, _ = await send(proxy, path, b"{}", {"x-portkey-custom-host": "http://127.0.0.1:9"})
        assert status == 400


def test_configured_origins_keep_what_stands_before_the_api_path(load_settings: Callable[..., Settings]) -> None:
    made = routes(load_settings(TRACER_UPSTREAM_GOOGLE="http://g:1/a/v1beta/openai/", TRACER_UPSTREAM_DEEPSEEK="http://d:1/v1"))
    assert made.natives["google"].base_url == "http://g:1/a"
    assert made.targets["google"].base_url == "http://g:1/a/v1beta/openai"
    assert made.natives["deepseek"].base_url == "http://d:1"


async def test_a_server_of_ones_own_speaks_for_all_doors(start_proxy: Start, provider: Provider) -> None:
    """What is said to a local server does not go out to a provider that nobody configured."""
    provider.always(echo)
    asked = {"/v1/messages": "anthropic", "/v1beta/models/g:generateContent": "google"}
    async with start_proxy(TRACER_UPSTREAM=provider.url + "/gateway/v1", TRACER_CONNECT_TIMEOUT="1") as proxy:
        for path in asked:
            assert (await send(proxy, path, b"{}"))[1]["target"] == "/gateway" + path
        assert [(one.provider, one.status) for one in await proxy.exchanges(2)] == [(slug, 200) for slug in asked.values()]
        for headers in ({"x-portkey-provider": "@anthropic"}, {"x-portkey-config": '{"provider":"anthropic"}'}):
            assert (await send(proxy, "/v1/messages", b"{}", headers))[0] in (408, 502)
        assert (await send(proxy, "/proxy/anthropic/v1/messages", b"{}"))[0] in (408, 502)


@pytest.mark.parametrize(
    ("given", "instead"),
    [
        ({"TRACER_UPSTREAM": "http://127.0.0.1:1/v1"}, {"anthropic", "google"}),
        ({"TRACER_UPSTREAM": "http://127.0.0.1:1", "TRACER_UPSTREAM_ANTHROPIC": "http://a"}, {"google"}),
        ({"TRACER_UPSTREAM": "http://127.0.0.1:1", "TRACER_KEY_GOOGLE": "k"}, {"anthropic"}),
        ({"TRACER_UPSTREAM": "https://api.groq.com/openai/v1"}, set()),
        ({"TRACER_UPSTREAM": "groq"}, set()),
        ({"TRACER_UPSTREAM": "openai", "TRACER_UPSTREAM_OPENAI": "http://127.0.0.1:1"}, set()),
        ({}, set()),
    ],
)
def test_when_a_server_of_ones_own_is_asked(
    load_settings: Callable[..., Settings], given: dict[str, str], instead: set[str]
) -> None:
    made = routes(load_settings(**given)).instead
    assert set(made) == instead
    assert {target.base_url for target in made.values()} <= {"http://127.0.0.1:1"}
    assert {slug: target.slug for slug, target in made.items()} == {slug: slug for slug in instead}


@pytest.mark.parametrize("slug", ["ollama", "vllm", "gateway"])
def test_one_that_has_a_name_keeps_it(load_settings: Callable[..., Settings], slug: str) -> None:
    given = {f"TRACER_UPSTREAM_{slug.upper()}": "http://127.0.0.1:1", "TRACER_UPSTREAM": slug}
    made = routes(load_settings(**given)).instead
    assert {(target.slug, target.base_url) for target in made.values()} == {(slug, "http://127.0.0.1:1")}
