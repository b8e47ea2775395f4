"""Which upstream: every provider's address, what the configuration replaces, and no way to a host that it does not name."""

import json
from collections.abc import Callable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict
from yarl import URL

from tracer.config import ConfigError, Settings
from tracer.proxy.portkey_config import read_config
from tracer.proxy.providers import PROVIDERS, StreamUsage
from tracer.proxy.refused import Refused
from tracer.proxy.route import Routes, Target, choose, ignored, model_prefix, routes
from tracer.registry.key_format import new_key
from tracer.registry.records import Caller, SavedConfig

Load = Callable[..., Settings]

# As the providers' own documentation gives them for OpenAI's SDK.
BASE_URLS = {
    "openai": "https://api.openai.com/v1",
    "anthropic": "https://api.anthropic.com/v1",
    "google": "https://generativelanguage.googleapis.com/v1beta/openai",
    "groq": "https://api.groq.com/openai/v1",
    "mistral-ai": "https://api.mistral.ai/v1",
    "cohere": "https://api.cohere.ai/compatibility/v1",
    "deepseek": "https://api.deepseek.com",
    "x-ai": "https://api.x.ai/v1",
    "openrouter": "https://openrouter.ai/api/v1",
    "together-ai": "https://api.together.xyz/v1",
    "fireworks-ai": "https://api.fireworks.ai/inference/v1",
    "perplexity-ai": "https://api.perplexity.ai",
    "cerebras": "https://api.cerebras.ai/v1",
    "huggingface": "https://router.huggingface.co/v1",
    "nvidia": "https://integrate.api.nvidia.com/v1",
    "sambanova": "https://api.sambanova.ai/v1",
    "scale": "https://api.egp.scale.com",
    "ollama": "http://localhost:11434/v1",
    "lmstudio": "http://localhost:1234/v1",
    "vllm": "http://localhost:8000/v1",
}
NO_ORIGIN = {"azure-openai": "/openai/v1", "bedrock": "/openai/v1", "vertex-ai": ""}


def target_of(made: Routes, headers: Mapping[str, str]) -> Target:
    return choose(made, headers, read_config(headers.get("x-portkey-config"), {}, ""))


def chosen(made: Routes, headers: Mapping[str, str]) -> tuple[str, str]:
    target = target_of(made, CIMultiDict(headers))
    return target.slug, target.base_url


def test_the_tables_here_and_there_are_the_same() -> None:
    assert set(PROVIDERS) == {*BASE_URLS, *NO_ORIGIN}


@pytest.mark.parametrize("slug", BASE_URLS)
@pytest.mark.parametrize("how", ["header", "at", "capitals", "config", "default"])
def test_every_provider(load_settings: Load, slug: str, how: str) -> None:
    made = routes(load_settings(TRACER_UPSTREAM=slug if how == "default" else "openai"))
    headers = {
        "header": {"x-portkey-provider": slug},
        "at": {"x-portkey-provider": "@" + slug},
        "capitals": {"X-Portkey-Provider": slug.upper()},
        "config": {"x-portkey-config": f'{{"provider":"{slug}"}}'},
        "default": {},
    }[how]
    target = target_of(made, CIMultiDict(headers))
    assert (target.slug, target.base_url, target.provider) == (slug, BASE_URLS[slug], PROVIDERS[slug])
    assert f"://{target.host}" in target.base_url
    assert not target.custom


@pytest.mark.parametrize("slug", NO_ORIGIN)
def test_providers_without_an_address_ask_for_it_by_name(load_settings: Load, slug: str) -> None:
    name = f"TRACER_UPSTREAM_{slug.upper().replace('-', '_')}"
    with pytest.raises(Refused, match=name):
        target_of(routes(load_settings()), CIMultiDict({"x-portkey-provider": slug}))
    made = routes(load_settings(**{name: "https://res.example.com"}))
    assert chosen(made, {"x-portkey-provider": slug}) == (slug, "https://res.example.com" + NO_ORIGIN[slug])


@pytest.mark.parametrize(
    ("origin", "base_url"),
    [
        ("http://127.0.0.1:9000", "http://127.0.0.1:9000/openai/v1"),  # no path: the provider's own follows
        ("http://127.0.0.1:9000/", "http://127.0.0.1:9000/openai/v1"),
        ("http://127.0.0.1:9000/v1", "http://127.0.0.1:9000/v1"),  # a path: it is the whole base URL
        ("https://Gateway.Example.com/a/b/", "https://Gateway.Example.com/a/b"),
        ("http://[::1]:9000/v1", "http://[::1]:9000/v1"),
    ],
)
def test_configured_origins(load_settings: Load, origin: str, base_url: str) -> None:
    made = routes(load_settings(TRACER_UPSTREAM="groq", TRACER_UPSTREAM_GROQ=origin))
    assert chosen(made, {}) == chosen(made, {"x-portkey-provider": "groq"}) == ("groq", base_url)
    assert target_of(made, {}).provider.stream_usage is StreamUsage.SENT
    assert chosen(made, {"x-portkey-provider": "openai"}) == ("openai", BASE_URLS["openai"])


def test_any_name_is_a_provider_once_it_has_an_origin(load_settings: Load) -> None:
    made = routes(load_settings(TRACER_UPSTREAM="my-llm", TRACER_UPSTREAM_MY_LLM="http://10.0.0.5:8000"))
    assert chosen(made, {}) == ("my-llm", "http://10.0.0.5:8000/v1")
    assert chosen(made, {"x-portkey-provider": "@my-llm"}) == ("my-llm", "http://10.0.0.5:8000/v1")


@pytest.mark.parametrize(
    ("upstream", "slug", "base_url"),
    [
        ("http://127.0.0.1:8000/v1", "openai", "http://127.0.0.1:8000/v1"),
        ("http://127.0.0.1:8000", "openai", "http://127.0.0.1:8000/v1"),
        ("https://api.groq.com/openai/v1", "groq", "https://api.groq.com/openai/v1"),
        ("https://api.groq.com", "groq", "https://api.groq.com/openai/v1"),
        ("https://api.mistral.ai/v1/", "mistral-ai", "https://api.mistral.ai/v1"),
    ],
)
def test_default_upstream_by_url(load_settings: Load, upstream: str, slug: str, base_url: str) -> None:
    """A provider that is recognised by its host behaves as that provider: asking Mistral for usage would cost an error."""
    target = target_of(routes(load_settings(TRACER_UPSTREAM=upstream)), {})
    assert (target.slug, target.base_url) == (slug, base_url)
    assert target.provider.stream_usage is PROVIDERS[slug].stream_usage


@pytest.mark.parametrize(
    "wrong",
    [
        *("nonesuch", "", "azure-openai", "ftp://h/v1", "http://", "http:///v1", "http://u:p@h/v1", "http://h/v1?x=1"),
        *("http://h/v1#f", "http://h:0/v1", "http://h:99999/v1", "http://h:x/v1", "http://a b/v1", "https://[::1/v1"),
    ],
)
def test_wrong_default_upstream(load_settings: Load, wrong: str) -> None:
    with pytest.raises(ConfigError, match="TRACER_UPSTREAM: should be"):
        routes(load_settings(TRACER_UPSTREAM=wrong))


def test_wrong_origin_is_named(load_settings: Load) -> None:
    with pytest.raises(ConfigError, match="TRACER_UPSTREAM_X_AI: should be"):
        routes(load_settings(TRACER_UPSTREAM_X_AI="api.x.ai"))


@pytest.mark.parametrize(
    "slug", ["nonesuch", "@azure-openai", "pc-12", "open ai", "openai/../x", "ü", "\udcff", "\udcff" * 500]
)
def test_unknown_slug_is_refused_in_words_that_can_be_sent(load_settings: Load, slug: str) -> None:
    with pytest.raises(Refused) as caught:
        target_of(routes(load_settings()), CIMultiDict({"x-portkey-provider": slug}))
    assert (caught.value.status, caught.value.kind) == (400, "unknown_provider")
    caught.value.message.encode()


@pytest.mark.parametrize("slug", ["@nonesuch", "@", "@team/openai"])
def test_a_catalogues_slug_that_is_none_here_goes_to_the_default_and_is_named(load_settings: Load, slug: str) -> None:
    made = routes(load_settings())
    for headers in ({"x-portkey-provider": slug}, {"x-portkey-config": json.dumps({"provider": slug})}):
        config = read_config(headers.get("x-portkey-config"), {}, "")
        assert choose(made, CIMultiDict(headers), config) is made.default
        (note,) = ignored(made, CIMultiDict(headers), config)
        assert repr(slug) in note


@pytest.mark.parametrize(
    ("model", "wanted"),
    [
        ("@groq/llama-3.3-70b", ("groq", "llama-3.3-70b")),
        ("@OpenAI/ft:gpt/x", ("openai", "ft:gpt/x")),
        ("@cf/meta/llama", ("", "")),
        ("@groq/", ("", "")),
        ("@groq", ("", "")),
        ("groq/x", ("", "")),
        (7, ("", "")),
    ],
)
def test_a_models_name_may_name_its_provider(load_settings: Load, model: object, wanted: tuple[str, str]) -> None:
    assert model_prefix(routes(load_settings()), model) == wanted


def test_header_wins_over_config(load_settings: Load) -> None:
    config = {"x-portkey-config": '{"provider":"groq","custom_host":"http://a.example/v1"}'}
    made = routes(load_settings(TRACER_CUSTOM_HOSTS="a.example, b.example"))
    assert chosen(made, config) == ("groq", "http://a.example/v1")
    assert chosen(made, {**config, "x-portkey-provider": "x-ai", "x-portkey-custom-host": "http://b.example/v2"}) == (
        "x-ai",
        "http://b.example/v2",
    )


@pytest.mark.parametrize("config", ['{"provider":["openai"]}', '{"provider":{}}', '{"provider":7}', '{"provider":null}'])
def test_a_provider_that_is_no_name_is_none(load_settings: Load, config: str) -> None:
    assert chosen(routes(load_settings()), {"x-portkey-config": config}) == ("openai", BASE_URLS["openai"])


ALLOWED = "llm.example.com, 10.0.0.5:8000, [fd00::5]:8000, 127.0.0.1:9000, secure.example.com:443"


@pytest.mark.parametrize(
    "url",
    [
        "http://llm.example.com/v1",
        "https://llm.example.com/v1",
        "https://LLM.Example.COM/v1/",
        "http://llm.example.com:80/v1",
        "https://llm.example.com:443/v1",
        "http://10.0.0.5:8000/v1",
        "https://10.0.0.5:8000",
        "http://[fd00::5]:8000/v1",
        "http://[FD00::5]:8000/v1",
        "https://secure.example.com/v1",
        "http://secure.example.com:443/v1",
    ],
)
def test_custom_hosts_that_the_configuration_names(load_settings: Load, url: str) -> None:
    target = target_of(routes(load_settings(TRACER_CUSTOM_HOSTS=ALLOWED)), {"x-portkey-custom-host": url})
    assert (target.slug, target.base_url, target.custom) == ("openai", url.rstrip("/"), True)
    assert target.host in url
    named = target_of(
        routes(load_settings(TRACER_CUSTOM_HOSTS=ALLOWED)), {"x-portkey-custom-host": url, "x-portkey-provider": "mistral-ai"}
    )
    assert (named.slug, named.provider.stream_usage) == ("mistral-ai", StreamUsage.REFUSES)


NOT_ALLOWED = [
    # another port than the named one, or than the scheme's own
    *("http://llm.example.com:8080/v1", "https://llm.example.com:80/v1", "http://llm.example.com:443/v1"),
    *("http://10.0.0.5/v1", "http://10.0.0.5:8001/v1", "http://secure.example.com/v1", "http://127.0.0.1/v1"),
    # other spellings of 127.0.0.1 and of names
    *("http://2130706433:9000/v1", "http://0x7f000001:9000/v1", "http://0x7f.0.0.1:9000/v1", "http://0177.0.0.1:9000/v1"),
    *("http://127.1:9000/v1", "http://127.0.0.1.:9000/v1", "http://[::ffff:127.0.0.1]:9000/v1", "http://localhost:9000/v1"),
    *("http://[fd00:0:0::5]:8000/v1", "http://[fd00::5%25eth0]:8000/v1", "http://[::]:8000/v1", "http://0.0.0.0:9000/v1"),
    *(
        "http://llm.example.com./v1",
        "http://llm.example.com.evil.net/v1",
        "http://evil.net/llm.example.com",
        "http://xllm.example.com/v1",
    ),
    *("http://llm%2eexample.com/v1", "http://llm。example.com/v1"),
    *("http://169.254.169.254/latest/meta-data", "http://metadata.google.internal/"),
]
INVALID = [
    *("http://user@llm.example.com/v1", "http://user:pw@llm.example.com/v1", "http://llm.example.com@evil.net/v1"),
    *("http://llm.example.com:80@evil.net/v1", "http://@llm.example.com/v1", "http://:@llm.example.com/v1"),
    *("http://llm.example.com%2f@evil.net/v1", "http://llm.example.com%00@evil.net/v1"),
    *(r"http://llm.example.com\@evil.net/v1", r"http:\\llm.example.com/v1", r"http://evil.net\llm.example.com"),
    *(
        "http://llm.example.com#@evil.net/v1",
        "http://llm.example.com/v1#x",
        "http://llm.example.com/v1?x=1",
        "http://llm.example.com/v1?",
    ),
    *("http://llm.example.com /v1", "http://llm.example.com\t/v1", " http://llm.example.com/v1", "http://llm.example.com/v1\n"),
    *("http://llm.example.com:0/v1", "http://llm.example.com:70000/v1", "http://llm.example.com:8o/v1"),
    *(
        "ftp://llm.example.com/v1",
        "file:///etc/passwd",
        "gopher://llm.example.com/",
        "//llm.example.com/v1",
        "llm.example.com/v1",
    ),
    *(
        "http:llm.example.com/v1",
        "http:/llm.example.com/v1",
        "http:///llm.example.com/v1",
        "http://",
        "http",
        "x",
        "http://[::1",
        "http://[x]/",
    ),
    *("http://llm.example.com\x00/v1", "http://llm.example.com\u2028/v1"),
]


@pytest.mark.parametrize("url", [*NOT_ALLOWED, *INVALID])
@pytest.mark.parametrize("how", ["header", "config"])
def test_custom_hosts_that_are_refused(load_settings: Load, url: str, how: str) -> None:
    made = routes(load_settings(TRACER_CUSTOM_HOSTS=ALLOWED))
    headers = {"header": {"x-portkey-custom-host": url}, "config": {"x-portkey-config": json.dumps({"custom_host": url})}}[how]
    with pytest.raises(Refused) as caught:
        target_of(made, headers)
    assert caught.value.status == 400
    assert caught.value.kind == ("custom_host_not_allowed" if url in NOT_ALLOWED else "custom_host_invalid")
    caught.value.message.encode()


@given(
    st.text("htps:/@\\#?[].%0127lmexac-\t ", max_size=40).map(lambda rest: rest if "://" in rest else "http://" + rest),
    st.sampled_from(["http://llm.example.com", "http://127.0.0.1:9000", ""]),
)
def test_whatever_is_let_through_names_an_allowed_host(noise: str, start: str) -> None:
    made = routes(Settings(custom_hosts=("llm.example.com", "127.0.0.1:9000")))
    try:
        target = target_of(made, {"x-portkey-custom-host": start + noise if start else noise})
    except Refused:
        return
    asked = URL(target.base_url + "/chat/completions", encoded=True)  # as the client half reads it
    assert (asked.host, asked.port) in {("llm.example.com", 80), ("llm.example.com", 443), ("127.0.0.1", 9000)}
    assert asked.user is None


@pytest.mark.parametrize("wrong", ["http://a/v1", "a b", "user@a", "a:0", "a:b", "::1", "a?x"])
def test_wrong_custom_hosts_stop_the_start(load_settings: Load, wrong: str) -> None:
    with pytest.raises(ConfigError, match="TRACER_CUSTOM_HOSTS: should be"):
        routes(load_settings(TRACER_CUSTOM_HOSTS=wrong))


def test_no_custom_host_by_default(load_settings: Load) -> None:
    with pytest.raises(Refused, match="TRACER_CUSTOM_HOSTS"):
        target_of(routes(load_settings()), {"x-portkey-custom-host": "https://api.openai.com/v1"})


@pytest.mark.parametrize(
    ("headers", "otherwise", "slug"),
    [
        ({"x-portkey-virtual-key": "groq"}, "", "groq"),
        ({"x-portkey-virtual-key": "@Team-LLM"}, "", "team-llm"),  # a name that the settings gave
        ({"x-portkey-virtual-key": "open-ai-key-66ah788"}, "", "openai"),  # names nothing: the default upstream
        ({"x-portkey-virtual-key": "open-ai-key-66ah788"}, "groq", "groq"),
        ({"x-portkey-virtual-key": "groq", "x-portkey-provider": "x-ai"}, "cohere", "x-ai"),
        ({"x-portkey-virtual-key": "groq", "x-portkey-config": '{"provider":"x-ai"}'}, "cohere", "groq"),
        ({"x-portkey-config": '{"provider":"x-ai","virtual_key":"groq"}'}, "cohere", "x-ai"),
        ({"x-portkey-config": '{"virtual_key":"groq"}'}, "cohere", "groq"),
        ({"x-portkey-config": '{"virtual_key":"nonesuch"}'}, "cohere", "cohere"),
        ({}, "cohere", "cohere"),
        ({}, "", "openai"),
    ],
)
def test_who_names_the_provider(load_settings: Load, headers: dict[str, str], otherwise: str, slug: str) -> None:
    made = routes(load_settings(TRACER_UPSTREAM_TEAM_LLM="http://10.0.0.5:8000"))
    config = read_config(headers.get("x-portkey-config"), {}, "")
    assert choose(made, CIMultiDict(headers), config, otherwise=otherwise).slug == slug


def test_a_saved_config_names_the_upstream(load_settings: Load) -> None:
    made = routes(load_settings(TRACER_CUSTOM_HOSTS="llm.example.com"))
    saved = {"pc-a": SavedConfig("i", "pc-a", "team", {"provider": "groq", "custom_host": "http://llm.example.com/v1"})}
    target = choose(made, {}, read_config("pc-a", saved, "team"))
    assert (target.slug, target.base_url, target.custom) == ("groq", "http://llm.example.com/v1", True)
    assert choose(made, {}, read_config("pc-a", saved, "others")) == made.default
    with pytest.raises(Refused, match="not among TRACER_CUSTOM_HOSTS"):
        choose(routes(load_settings()), {}, read_config("pc-a", saved, "team"))


def test_what_of_the_routing_is_ignored_is_named(load_settings: Load) -> None:
    made = routes(load_settings())

    def said(headers: dict[str, str]) -> tuple[str, ...]:
        return ignored(made, CIMultiDict(headers), read_config(headers.get("x-portkey-config"), {}, ""))

    assert said({}) == said({"x-portkey-virtual-key": "groq", "x-portkey-config": '{"virtual_key":"@groq"}'}) == ()
    assert said({"x-portkey-virtual-key": new_key()}) == ()  # a Tracer key in it is no name
    assert said({"x-portkey-virtual-key": "open-ai-1"}) == ("x-portkey-virtual-key is ignored: it names no provider here",)
    assert said({"x-portkey-config": '{"virtual_key":"open-ai-1","strategy":{}}'}) == (
        "config.strategy is ignored",
        "config.virtual_key is ignored: it names no provider here",
    )


def test_a_key_for_one_provider_holds_its_caller_to_that(load_settings: Load) -> None:
    made = routes(load_settings(TRACER_CUSTOM_HOSTS="llm.example.com"))
    caller = Caller("key_1", provider="groq", admin=False)

    def to(headers: dict[str, str], otherwise: str = "") -> str:
        config = read_config(headers.get("x-portkey-config"), {}, "")
        return choose(made, CIMultiDict(headers), config, caller, otherwise).slug

    assert to({}) == to({"x-portkey-provider": "@Groq"}) == to({"x-portkey-virtual-key": "open-ai-1"}) == "groq"
    for headers, otherwise in (
        ({"x-portkey-provider": "openai"}, ""),
        ({"x-portkey-config": '{"provider":"openai"}'}, ""),
        ({"x-portkey-custom-host": "http://llm.example.com/v1"}, ""),
        ({"x-portkey-provider": "groq", "x-portkey-custom-host": "http://llm.example.com/v1"}, ""),
        ({}, "openai"),
    ):
        with pytest.raises(Refused) as caught:
            to(headers, otherwise)
        assert (caught.value.status, caught.value.kind) == (403, "provider_not_allowed")
