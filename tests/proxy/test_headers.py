"""Header lists: what belongs to one connection stays on it, Portkey's stay here, only values known as harmless are kept."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer.proxy import headers
from tracer.proxy.headers import MASK, recorded, recorded_target

Raw = list[tuple[bytes, bytes]]
NOTHING: frozenset[str] = frozenset()


def as_text(made: headers.HeaderList) -> list[tuple[str, str]]:
    return [(name.decode("latin-1"), value.decode("utf-8", "surrogateescape")) for name, value in made]


def upstream(raw: Raw, *, drop: frozenset[str]) -> list[tuple[str, str]]:
    return as_text(headers.upstream(raw, drop=drop))


def downstream(raw: Raw) -> list[tuple[str, str]]:
    return as_text(headers.downstream(raw, drop=NOTHING))


HOP_BY_HOP = [
    *(b"Connection", b"Keep-Alive", b"Proxy-Connection", b"Proxy-Authenticate", b"Proxy-Authorization"),
    *(b"TE", b"Trailer", b"Transfer-Encoding", b"Upgrade"),
]


@pytest.mark.parametrize("name", [*HOP_BY_HOP, *(name.lower() for name in HOP_BY_HOP), *(name.upper() for name in HOP_BY_HOP)])
def test_hop_by_hop_headers_go_nowhere(name: bytes) -> None:
    raw = [(b"A", b"1"), (name, b"value"), (b"B", b"2")]
    assert upstream(raw, drop=NOTHING) == downstream(raw) == [("A", "1"), ("B", "2")]


@pytest.mark.parametrize(
    "value", [b"x-hop, X-Other", b"X-HOP,x-other", b" keep-alive ,x-hop,, x-other", b"x-other, close, X-Hop"]
)
def test_what_connection_names_goes_nowhere(value: bytes) -> None:
    raw = [(b"X-Hop", b"1"), (b"Connection", value), (b"x-other", b"2"), (b"X-Stays", b"3")]
    assert upstream(raw, drop=NOTHING) == downstream(raw) == [("X-Stays", "3")]


def test_two_connection_headers_count() -> None:
    raw = [(b"connection", b"a"), (b"A", b"1"), (b"B", b"2"), (b"Connection", b"b"), (b"C", b"3")]
    assert upstream(raw, drop=NOTHING) == downstream(raw) == [("C", "3")]


def test_portkeys_headers_never_go_up() -> None:
    raw = [
        (b"X-PORTKEY-Api-Key", b"pk"),
        (b"x-portkey-anything-new", b"x"),
        (b"x-portkey", b"not one of them"),
        (b"X-Port", b"y"),
    ]
    assert upstream(raw, drop=NOTHING) == [("x-portkey", "not one of them"), ("X-Port", "y")]


def test_host_and_expect_are_this_connections() -> None:
    assert upstream([(b"Host", b"localhost:8787"), (b"Expect", b"100-continue"), (b"A", b"1")], drop=NOTHING) == [("A", "1")]


def test_drop_is_by_lower_case_name() -> None:
    raw = [(b"AUTHORIZATION", b"Bearer x"), (b"Accept", b"*/*")]
    assert upstream(raw, drop=frozenset({"authorization"})) == [("Accept", "*/*")]


def test_a_reply_loses_another_gateways_ids_only() -> None:
    raw = [
        (b"X-Portkey-Trace-Id", b"t"),
        (b"x-tracer-call-id", b"c"),
        (b"x-portkey-provider", b"openai"),
        (b"x-request-id", b"r"),
    ]
    assert downstream(raw) == [("x-portkey-provider", "openai"), ("x-request-id", "r")]


ORDINARY = st.lists(
    st.tuples(
        st.text("abcdefgABCDEFG-_", min_size=1, max_size=8).map(str.encode),
        st.binary(max_size=20).map(lambda v: v.replace(b"\0", b"")),
    )
)


@given(ORDINARY)
def test_everything_else_passes_as_it_came(raw: Raw) -> None:
    expected = [(name, value) for name, value in raw if name.lower() not in (b"te",)]
    for made in (upstream(raw, drop=NOTHING), downstream(raw)):
        assert [(name.encode(), value.encode("utf-8", "surrogateescape")) for name, value in made] == expected


KNOWN = [
    "content-type",
    "user-agent",
    "x-request-id",
    "openai-organization",
    "retry-after",
    "x-portkey-trace-id",
    "traceparent",
]


@given(st.lists(st.tuples(st.one_of(st.sampled_from(KNOWN).map(str.encode), st.binary().map(b"x-any-".__add__)), st.binary())))
def test_only_known_values_are_recorded(raw: Raw) -> None:
    if any(name != name.strip(b" \t") for name, _ in raw):
        with pytest.raises(ValueError, match="a space in a header's name"):
            recorded(raw)
        return
    made = recorded(raw)
    assert len(made) == len(raw)
    for (name, value), (raw_name, raw_value) in zip(made, raw, strict=True):
        assert name == raw_name.decode("latin-1").lower()
        assert value == (raw_value.decode("utf-8", "replace") if name in KNOWN else MASK) or name.startswith(
            ("x-stainless-", "x-ratelimit-")
        )


@pytest.mark.parametrize(
    "name",
    [
        *("authorization", "x-api-key", "api-key", "x-goog-api-key", "cookie", "set-cookie", "proxy-authorization"),
        *(
            "x-portkey-api-key",
            "x-portkey-virtual-key",
            "x-portkey-config",
            "x-portkey-azure-ad-token",
            "x-portkey-custom-host",
        ),
        *(
            "x-portkey-aws-secret-access-key",
            "x-portkey-vertex-service-account-json",
            "sec-websocket-protocol",
            "x-amz-security-token",
        ),
        *("referer", "x-my-own-secret", "location", "link", "www-authenticate"),
    ],
)
def test_values_that_may_be_secret_are_masked(name: str) -> None:
    assert recorded([(name.title().encode(), b"canary")]) == ((name, MASK),)


@pytest.mark.parametrize(
    ("target", "kept"),
    [
        ("/v1/models", "/v1/models"),
        ("/v1/models?", "/v1/models?"),
        ("/v1/x?limit=5&after=a%20b&order=desc", "/v1/x?limit=5&after=a%20b&order=desc"),
        ("/v1/x?key=canary&alt=sse", f"/v1/x?key={MASK}&alt=sse"),
        ("/v1/x?api-version=2024-10-21&api_key=canary", f"/v1/x?api-version=2024-10-21&api_key={MASK}"),
        ("/v1/x?limit=1&limit=2", "/v1/x?limit=1&limit=2"),
        ("/v1/x?model", "/v1/x?model="),
        ("/v1/x?a=b=canary", f"/v1/x?a={MASK}"),
        ("/v1/x?q=%ff%fecanary", f"/v1/x?q={MASK}"),
        ("/v1/x?model=a?b", "/v1/x?model=a%3Fb"),
    ],
)
def test_recorded_target(target: str, kept: str) -> None:
    assert recorded_target(target) == kept


def test_a_word_that_is_no_parameter_may_be_the_secret_itself() -> None:
    assert "canary" not in recorded_target("/v1/x?canary")


@given(st.binary(max_size=40))
def test_any_target_can_be_recorded(raw: bytes) -> None:
    recorded_target("/v1/" + raw.decode("utf-8", "surrogateescape")).encode()
