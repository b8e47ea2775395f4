"""Which key goes upstream: the caller's if it is one for a provider, else the configured one, and never the wrong one."""

import hashlib
from collections.abc import Callable, Mapping

import pytest
from multidict import CIMultiDict
from pydantic import SecretStr

from tracer.config import Settings
from tracer.proxy.credentials import Credentials, callers_secrets, credentials
from tracer.proxy.headers import upstream
from tracer.proxy.route import Target, choose, routes

KEYS = {
    "openai": SecretStr("sk-server-openai"),
    "groq": SecretStr("gsk-server-groq"),
    "azure-openai": SecretStr("azure-server-key"),
}
PORTKEY = "pk-portkey-key-0001"


@pytest.fixture
def target(load_settings: Callable[..., Settings]) -> Callable[..., Target]:
    made = routes(
        load_settings(TRACER_UPSTREAM_AZURE_OPENAI="https://r.openai.azure.com", TRACER_CUSTOM_HOSTS="llm.example.com")
    )

    def find(slug: str = "", custom_host: str = "") -> Target:
        headers = {"x-portkey-provider": slug, "x-portkey-custom-host": custom_host}
        return choose(made, {name: value for name, value in headers.items() if value})

    return find


Find = Callable[..., Target]


def sent_up(headers: Mapping[str, str], made: Credentials) -> dict[str, str]:
    """The credential headers that the provider gets."""
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    kept = {name.decode(): value.decode() for name, value in upstream(raw, drop=made.drop)}
    return kept | dict([made.header] if made.header else [])


def sent(headers: Mapping[str, str], target: Target, keys: Mapping[str, SecretStr] = KEYS) -> dict[str, str]:
    return sent_up(headers, credentials(CIMultiDict(headers), target, keys))


PLACEHOLDERS = [
    {},
    {"Authorization": ""},
    {"Authorization": "Bearer"},
    {"Authorization": "Bearer OPENAI_API_KEY"},
    {"authorization": "bearer   OPENAI_API_KEY"},
    {"Authorization": "OPENAI_API_KEY"},
    {"Authorization": "Bearer DUMMY-KEY"},
    {"Authorization": "DUMMY-KEY"},
    {"Authorization": f"Bearer {PORTKEY}", "x-portkey-api-key": PORTKEY},
    {"Authorization": PORTKEY, "x-portkey-api-key": PORTKEY},
    {"x-api-key": PORTKEY, "x-portkey-api-key": PORTKEY},
    {"api-key": "DUMMY-KEY", "Authorization": "Bearer OPENAI_API_KEY"},
    {"x-portkey-api-key": PORTKEY},
    {"x-portkey-virtual-key": "open-ai-key-66ah788", "x-portkey-api-key": PORTKEY},
]


@pytest.mark.parametrize("headers", PLACEHOLDERS)
@pytest.mark.parametrize(
    ("slug", "expected"),
    [
        ("openai", {"Authorization": "Bearer sk-server-openai"}),
        ("groq", {"Authorization": "Bearer gsk-server-groq"}),
        ("azure-openai", {"api-key": "azure-server-key"}),
        ("deepseek", {}),  # no key configured: nothing is better than a placeholder
    ],
)
def test_without_a_key_of_its_own_the_caller_gets_the_configured_one(
    target: Find, headers: dict[str, str], slug: str, expected: dict[str, str]
) -> None:
    made = credentials(CIMultiDict(headers), target(slug), KEYS)
    assert sent_up(headers, made) == expected
    assert made.key_hash == ""
    assert PORTKEY not in repr(made)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Authorization": "Bearer sk-own-key-1"}, {"Authorization": "Bearer sk-own-key-1"}),
        ({"authorization": "sk-own-key-1"}, {"Authorization": "Bearer sk-own-key-1"}),  # portkey-ai for Node
        ({"Authorization": "Basic dXNlcjpwYXNz"}, {"Authorization": "Basic dXNlcjpwYXNz"}),
        ({"Authorization": "Bearer sk-own-key-1", "x-portkey-api-key": PORTKEY}, {"Authorization": "Bearer sk-own-key-1"}),
        ({"x-api-key": "sk-ant-own"}, {"x-api-key": "sk-ant-own"}),
        ({"api-key": "azure-own"}, {"api-key": "azure-own"}),
        ({"x-goog-api-key": "AIza-own"}, {"x-goog-api-key": "AIza-own"}),
        ({"api-key": "azure-own", "Authorization": "Bearer OPENAI_API_KEY"}, {"api-key": "azure-own"}),
        (
            {"api-key": "azure-own", "Authorization": f"Bearer {PORTKEY}", "x-portkey-api-key": PORTKEY},
            {"api-key": "azure-own"},
        ),
        ({"x-api-key": PORTKEY, "Authorization": "Bearer own", "x-portkey-api-key": PORTKEY}, {"Authorization": "Bearer own"}),
    ],
)
@pytest.mark.parametrize("slug", ["openai", "azure-openai"])
def test_the_callers_own_key_passes(target: Find, headers: dict[str, str], expected: dict[str, str], slug: str) -> None:
    assert sent(headers, target(slug)) == expected


def test_a_key_in_a_subprotocol_is_the_callers_own(target: Find) -> None:
    headers = {"Sec-WebSocket-Protocol": "realtime, openai-insecure-api-key.sk-browser-key, openai-beta.realtime-v1"}
    made = credentials(CIMultiDict(headers), target(), KEYS)
    assert made.header is None
    assert made.key_hash == hashlib.sha256(b"sk-browser-key").hexdigest()[:16]


@pytest.mark.parametrize("headers", PLACEHOLDERS)
def test_a_custom_host_never_gets_a_configured_key(target: Find, headers: dict[str, str]) -> None:
    assert sent(headers, target("openai", "https://llm.example.com/v1")) == {}
    assert sent(headers, target("", "https://llm.example.com/v1")) == {}


def test_a_custom_host_gets_the_callers_own_key(target: Find) -> None:
    there = target("", "https://llm.example.com/v1")
    assert sent({"Authorization": "Bearer own"}, there) == {"Authorization": "Bearer own"}
    config = {"x-portkey-config": '{"api_key":"key-in-config"}'}
    assert sent(config, there) == {"Authorization": "Bearer key-in-config"}


def test_a_key_in_the_portkey_config_goes_before_the_configured_one(target: Find) -> None:
    config = {"x-portkey-config": '{"provider":"groq","api_key":"key-in-config"}'}
    assert sent(config, target("groq")) == {"Authorization": "Bearer key-in-config"}
    assert sent({**config, "Authorization": "Bearer own"}, target("groq")) == {"Authorization": "Bearer own"}
    for useless in ('{"api_key":""}', '{"api_key":7}', "pc-id", '{"api_key":null}'):
        assert sent({"x-portkey-config": useless}, target("groq")) == {"Authorization": "Bearer gsk-server-groq"}


def test_an_empty_configured_key_is_none(target: Find) -> None:
    assert sent({}, target(), {"openai": SecretStr("")}) == {}


def test_key_hash_names_the_callers_key_however_it_was_sent(target: Find) -> None:
    expected = hashlib.sha256(b"sk-own-key-1").hexdigest()[:16]
    for headers in ({"authorization": "sk-own-key-1"}, {"Authorization": "BEARER  sk-own-key-1 "}, {"api-key": "sk-own-key-1"}):
        assert credentials(CIMultiDict(headers), target(), KEYS).key_hash == expected
    odd = {"Authorization": b"Bearer \xff\xfe".decode("utf-8", "surrogateescape")}
    assert credentials(CIMultiDict(odd), target(), KEYS).key_hash == hashlib.sha256(b"\xff\xfe").hexdigest()[:16]


def test_the_configured_key_is_a_secret_of_the_call(target: Find) -> None:
    assert credentials(CIMultiDict(), target(), KEYS).secrets == (b"sk-server-openai",)
    assert credentials(CIMultiDict({"Authorization": "Bearer own"}), target(), KEYS).secrets == ()


def test_what_the_caller_sent_is_hidden_wherever_it_stood() -> None:
    pairs = [
        ("Authorization", "Bearer sk-in-authorization"),
        ("Authorization", "Bearer sk-in-second-one"),
        ("X-Api-Key", "in-x-api-key"),
        ("x-portkey-api-key", PORTKEY),
        ("Cookie", "session=in-cookie-0; other=in-cookie-1"),
        ("Sec-WebSocket-Protocol", "realtime, openai-insecure-api-key.in-subprotocol"),
        ("x-other", "not a secret"),
    ]
    found = callers_secrets(
        [(n.encode(), v.encode()) for n, v in pairs],
        "/v1/x?key=in-query-0&api_key=a%2Fin-query&q=just+text&max_tokens=1000000000&sig=in-query-3",
    )
    expected = [
        "sk-in-authorization",
        "sk-in-second-one",
        "in-x-api-key",
        PORTKEY,
        "in-cookie-0",
        "in-cookie-1",
        "in-subprotocol",
    ]
    expected += ["in-query-0", "a%2Fin-query", "a/in-query", "a\\/in-query", "in-query-3"]
    assert {text.encode() for text in expected} <= set(found)
    assert not {b"realtime", b"not a secret", b"just text", b"1000000000"} & set(found)


@pytest.mark.parametrize("header", ["Bearer none", "Bearer OPENAI_API_KEY", "x", ""])
def test_words_are_no_secrets(header: str) -> None:
    assert callers_secrets([(b"Authorization", header.encode()), (b"api-key", b"ollama")], "/v1/x") in ((), (b"Bearer none",))
