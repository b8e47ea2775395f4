"""Which key goes upstream: the caller's if it is one for a provider, else the configured one, and never the wrong one."""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict
from pydantic import SecretStr

from tracer.config import Settings
from tracer.proxy.credentials import Credentials, credentials, offered_upstream
from tracer.proxy.headers import upstream
from tracer.proxy.identity import CARRIERS, identify
from tracer.proxy.portkey_config import NO_CONFIG, read_config
from tracer.proxy.refused import Refused
from tracer.proxy.route import Target, choose, routes
from tracer.redact import callers_secrets
from tracer.registry.key_format import digest, new_key
from tracer.registry.records import Caller, Key, SavedConfig

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
        return choose(made, {name: value for name, value in headers.items() if value}, NO_CONFIG)

    return find


Find = Callable[..., Target]


def sent_up(headers: Mapping[str, str], made: Credentials) -> dict[str, str]:
    """The credential headers that the provider gets."""
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    kept = {name.decode(): value.decode() for name, value in upstream(raw, drop=made.drop)}
    return kept | dict([made.header] if made.header else [])


def sent(headers: Mapping[str, str], target: Target, keys: Mapping[str, SecretStr] = KEYS) -> dict[str, str]:
    return sent_up(headers, made_of(headers, target, keys))


def made_of(headers: Mapping[str, str], target: Target, keys: Mapping[str, SecretStr] = KEYS) -> Credentials:
    """What becomes of a request whose caller has no Tracer key."""
    return credentials(CIMultiDict(headers), target, keys, read_config(headers.get("x-portkey-config"), {}, ""))


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
    made = made_of(headers, target(slug))
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
    made = made_of(headers, target())
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
        assert made_of(headers, target()).key_hash == expected
    odd = {"Authorization": b"Bearer \xff\xfe".decode("utf-8", "surrogateescape")}
    assert made_of(odd, target()).key_hash == hashlib.sha256(b"\xff\xfe").hexdigest()[:16]


def test_the_configured_key_is_a_secret_of_the_call(target: Find) -> None:
    assert made_of({}, target()).secrets == (b"sk-server-openai",)
    assert made_of({"Authorization": "Bearer own"}, target()).secrets == ()


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


SECRET, UNKNOWN = new_key(), new_key()
MINE = Key("key_mine", "mine", digest(SECRET), provider="openai", credential="openai-search")
MAPPED = {**KEYS, "openai-search": SecretStr("sk-of-the-team")}


def with_key(headers: Mapping[str, str], target: Target, key: Key = MINE, config: str = "") -> dict[str, str]:
    """The credential headers that go up for a caller whose Tracer key is this one."""
    caller = identify(CIMultiDict(headers), {key.sha256: key}, "auto")
    return sent_up(headers, credentials(CIMultiDict(headers), target, MAPPED, read_config(config, {}, ""), caller))


@pytest.mark.parametrize("carrier", [*CARRIERS, "Authorization: Bearer"])
def test_a_tracer_key_becomes_the_credential_that_it_is_mapped_to(target: Find, carrier: str) -> None:
    name, _, scheme = carrier.partition(": ")
    headers = {name: f"{scheme} {SECRET}".strip()}
    assert with_key(headers, target()) == {"Authorization": "Bearer sk-of-the-team"}
    unmapped = Key("key_mine", "mine", digest(SECRET))
    assert with_key(headers, target(), unmapped) == {"Authorization": "Bearer sk-server-openai"}
    assert with_key(headers, target("groq"), unmapped) == {"Authorization": "Bearer gsk-server-groq"}
    assert with_key(headers, target("azure-openai"), unmapped) == {"api-key": "azure-server-key"}


def test_a_credential_goes_to_the_provider_of_its_key_only(target: Find) -> None:
    headers = {"x-api-key": SECRET}
    assert with_key(headers, target("groq")) == {"Authorization": "Bearer gsk-server-groq"}
    assert with_key(headers, target("openai", "https://llm.example.com/v1")) == {}
    anywhere = Key("key_mine", "mine", digest(SECRET), credential="openai-search")
    assert with_key(headers, target("openai"), anywhere) == {"Authorization": "Bearer sk-server-openai"}


def test_a_providers_key_beside_the_tracer_key_passes(target: Find) -> None:
    both = {"x-portkey-api-key": SECRET, "Authorization": "Bearer sk-own-key-1"}
    assert with_key(both, target()) == {"Authorization": "Bearer sk-own-key-1"}
    assert with_key({"Authorization": f"Bearer {SECRET}", "api-key": "own"}, target()) == {"api-key": "own"}
    assert with_key({"x-api-key": SECRET}, target(), config='{"api_key":"in-config"}') == {"Authorization": "Bearer in-config"}


def test_a_credential_that_is_not_configured_is_said_and_not_replaced(target: Find) -> None:
    headers = CIMultiDict({"x-api-key": SECRET})
    caller = Caller("key_mine", credential="gone-away", provider="openai", admin=False)
    with pytest.raises(Refused, match="TRACER_KEY_GONE_AWAY") as caught:
        credentials(headers, target(), KEYS, NO_CONFIG, caller)
    assert (caught.value.status, caught.value.kind) == (503, "credential_missing")
    own = CIMultiDict({"x-api-key": SECRET, "Authorization": "Bearer own"})
    assert credentials(own, target(), KEYS, NO_CONFIG, caller).header is None


def test_an_unknown_key_of_tracers_shape_is_kept_back_too(target: Find) -> None:
    for headers in ({"Authorization": f"Bearer {UNKNOWN}"}, {"x-api-key": UNKNOWN}):
        assert sent(headers, target()) == {"Authorization": "Bearer sk-server-openai"}
        assert made_of(headers, target()).key_hash == ""


def test_a_tracer_key_in_a_subprotocol_is_not_offered_upstream(target: Find) -> None:
    offered = f"realtime, openai-insecure-api-key.{SECRET}, openai-beta.realtime-v1"
    assert offered_upstream(offered) == ["realtime", "openai-beta.realtime-v1"]
    assert offered_upstream("realtime,,openai-insecure-api-key.sk-own") == ["realtime", "openai-insecure-api-key.sk-own"]
    assert offered_upstream("") == []
    made = made_of({"Sec-WebSocket-Protocol": offered}, target())
    assert made.header == ("Authorization", "Bearer sk-server-openai")


def test_a_tracer_key_is_a_secret_of_its_request(target: Find) -> None:
    for carrier in CARRIERS:
        assert callers_secrets([(carrier.encode(), SECRET.encode())], "/v1/x") == (SECRET.encode(),)
    made = credentials(CIMultiDict({"x-api-key": SECRET}), target(), KEYS, read_config('{"api_key":"in-config"}', {}, ""))
    assert b"in-config" in made.secrets


def saved(**config: str) -> dict[str, SavedConfig]:
    return {"s": SavedConfig("s", "s", "", {"api_key": "sk-saved-key", **config})}


@pytest.mark.parametrize(
    ("config", "slug", "custom_host", "expected"),
    [
        ({"provider": "groq"}, "groq", "", "sk-saved-key"),
        ({"provider": "@GROQ"}, "groq", "", "sk-saved-key"),
        ({"virtual_key": "groq"}, "groq", "", "sk-saved-key"),
        ({"provider": "groq"}, "openai", "", "sk-server-openai"),  # the caller's header named another
        ({"provider": "groq"}, "groq", "https://llm.example.com/v1", ""),
        ({"custom_host": "https://llm.example.com/v1/"}, "", "https://llm.example.com/v1", "sk-saved-key"),
        ({"custom_host": "https://llm.example.com/v1"}, "", "https://llm.example.com/other", ""),
        ({"custom_host": "https://llm.example.com/v1"}, "groq", "", "gsk-server-groq"),
    ],
)
def test_a_saved_key_goes_nowhere_but_where_it_was_saved_for(
    target: Find, config: dict[str, str], slug: str, custom_host: str, expected: str
) -> None:
    made = credentials(CIMultiDict(), target(slug, custom_host), KEYS, read_config("s", saved(**config), ""))
    assert made.header == (("Authorization", f"Bearer {expected}") if expected else None)


header_names = st.sampled_from(
    [
        *CARRIERS,
        "Authorization",
        "x-openai-api-key",
        "cookie",
        "x-custom",
        "User-Agent",
        "x-portkey-config",
        "x-portkey-metadata",
    ]
)
carrying_values = st.sampled_from(
    [
        SECRET,
        f"Bearer {SECRET}",
        f"bearer {SECRET}",
        f"a={SECRET}; b",
        f'{{"k":"{SECRET}"}}',
        f'{{"api_key":"{SECRET}"}}',
        "Bearer own",
        "text",
        UNKNOWN,
        f"x{SECRET}x",
    ]
)
ROUTES = routes(Settings())


@given(st.lists(st.tuples(header_names, carrying_values), max_size=6), st.sampled_from(["auto", "always", "never"]))
def test_a_tracer_key_is_in_no_upstream_header(pairs: list[tuple[str, str]], required: Any) -> None:
    headers = CIMultiDict(pairs)
    try:
        caller = identify(headers, {MINE.sha256: MINE}, required)
    except Refused:
        return
    config = read_config(headers.get("x-portkey-config"), {}, "")
    made = credentials(headers, choose(ROUTES, headers, config, caller), MAPPED, config, caller)
    up = upstream([(name.encode(), value.encode()) for name, value in pairs], drop=made.drop)
    assert SECRET not in repr(up)
    assert made.header is None or SECRET not in made.header[1]
