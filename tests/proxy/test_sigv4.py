"""SigV4: what botocore signed still carries its signature when it reaches the provider, checked by botocore itself."""

import json
from collections.abc import AsyncIterator
from urllib.parse import quote

import pytest
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from tests.provider import Provider, Request, echo, reply
from tests.proxy.conftest import Proxy, Start
from tests.proxy.test_abuse import send
from tests.proxy.test_portkey_clients import make_key
from tracer.proxy.sigv4 import Signature, is_bedrocks, key_id, signature
from tracer.records import Outcome
from tracer.registry.key_format import new_key

HOST = "bedrock-runtime.eu-west-1.amazonaws.com"
SECRET, TOKEN = "secret-of-the-caller-0001", "session-token-of-the-caller"
MODEL = "/model/arn%3Aaws%3Abedrock%3Aeu-west-1%3A1%3Ainference-profile%2Feu.anthropic.claude-v1%3A0/converse"
BODY = b'{ "messages" : [ {"role":"user","content":[{"text":"h\\u00e4"}]} ] }'


def signed(path: str, body: bytes = BODY, host: str = HOST, key: str = "AKIAEXAMPLE", **headers: str) -> dict[str, str]:
    """Headers as botocore signs them for a request to `host`, Host not among them."""
    request = AWSRequest("POST", f"https://{host}{path}", headers={"Content-Type": "application/json", **headers}, data=body)
    SigV4Auth(Credentials(key, SECRET, TOKEN), "bedrock", "eu-west-1").add_auth(request)
    return dict(request.headers.items())


def verify(request: Request, host: str | None = None) -> None:
    """Sign what arrived once more, at the time and with the headers that it names: the signature must be the one it carries."""
    authorization = request.header("authorization") or ""
    names = authorization.partition("SignedHeaders=")[2].partition(",")[0].split(";")
    stamp = request.header("x-amz-date") or ""
    to = host or request.header("host") or ""
    headers = {name: request.header(name) or "" for name in names if name != "host"}
    assert "" not in headers.values(), f"a signed header is missing: {headers}"
    again = AWSRequest(request.method, f"https://{to}{request.target}", headers=headers, data=bytes(request.body))
    again.context["timestamp"] = stamp
    signer = SigV4Auth(Credentials("AKIAEXAMPLE", SECRET), "bedrock", "eu-west-1")
    expected = signer.signature(signer.string_to_sign(again, signer.canonical_request(again)), again)
    assert authorization.endswith(f"Signature={expected}")


@pytest.fixture
async def bedrock(start_proxy: Start, provider: Provider) -> AsyncIterator[Proxy]:
    provider.always(echo)
    async with start_proxy(TRACER_UPSTREAM_BEDROCK=provider.url, TRACER_KEY_BEDROCK="bedrock-api-key-of-the-server") as running:
        yield running


@pytest.mark.parametrize("path", [MODEL, "/model/a.b-v1%3A0/invoke-with-response-stream", "/model/x/converse?a=%2F&b=&c=1+2"])
async def test_signed_for_amazon_and_turned_to_tracer(bedrock: Proxy, provider: Provider, path: str) -> None:
    """As a hook does that changes the URL after signing: the way behind /proxy/bedrock is what was signed."""
    status, got = await send(bedrock, "/proxy/bedrock" + path, BODY, signed(path))
    assert (status, got["target"]) == (200, path)
    verify(provider.requests[0], HOST)
    assert bytes(provider.requests[0].body) == BODY


@pytest.mark.parametrize("form", ["http://{}{}", "https://{}{}", "HTTP host"])
async def test_signed_host_goes_up_as_host(bedrock: Proxy, provider: Provider, form: str) -> None:
    """As a client does that takes Tracer for its HTTP proxy, or is told another address of Amazon's host."""
    target = "/proxy/bedrock" + MODEL if form == "HTTP host" else form.format(HOST, MODEL)
    status, got = await send(bedrock, target, BODY, {**signed(MODEL), "Host": HOST})
    assert (status, got["target"]) == (200, MODEL)
    verify(provider.requests[0])
    exchange = await bedrock.exchange()
    assert (exchange.door, exchange.provider, exchange.upstream) == ("proxy", "bedrock", provider.url.removeprefix("http://"))


async def test_headers_that_are_signed_go_up_whatever_they_are(bedrock: Proxy, provider: Provider) -> None:
    headers = signed(
        MODEL, **{"x-portkey-trace-id": "t-1", "X-Portkey-Metadata": '{"a":"b"}', "X-Amzn-Bedrock-Trace": "ENABLED"}
    )
    status, _ = await send(bedrock, "/proxy/bedrock" + MODEL, BODY, {**headers, "x-portkey-span-id": "not-signed"})
    assert status == 200
    verify(provider.requests[0], HOST)
    assert provider.requests[0].header("x-portkey-span-id") is None
    assert (await bedrock.exchange()).trace.trace_id == "t-1"


async def test_a_presigned_url(bedrock: Proxy, provider: Provider) -> None:
    request = AWSRequest("POST", f"https://{HOST}{MODEL}?x=1")
    SigV4QueryAuth(Credentials("AKIAEXAMPLE", SECRET, TOKEN), "bedrock", "eu-west-1").add_auth(request)
    target = request.url.removeprefix(f"https://{HOST}")
    status, got = await send(bedrock, "/proxy/bedrock" + target, b"")
    assert (status, got["target"]) == (200, target)
    assert not [name for name, _ in got["headers"] if name.lower() == "authorization"]
    path = (await bedrock.exchange()).path
    assert "X-Amz-Signature=***" in path
    assert "X-Amz-Security-Token=***" in path


async def test_signature_and_token_are_recorded_nowhere(bedrock: Proxy, provider: Provider) -> None:
    provider.always(
        lambda request: reply(400, [("Content-Type", "application/json")], json.dumps(dict(request.headers)).encode())
    )
    headers = signed(MODEL)
    await send(bedrock, "/proxy/bedrock" + MODEL, BODY, headers)
    recorded = repr(await bedrock.exchange())
    assert headers["Authorization"].rpartition("Signature=")[2] not in recorded
    assert TOKEN not in recorded


async def test_the_keys_hash_is_that_of_the_access_keys_id(bedrock: Proxy) -> None:
    for path in ("/model/a/converse", "/model/b/converse"):
        await send(bedrock, "/proxy/bedrock" + path, BODY, signed(path))
    first, second = await bedrock.exchanges(2)
    assert first.key_hash == second.key_hash != ""


async def test_a_tracer_key_as_access_key_gets_the_servers_key(bedrock: Proxy, provider: Provider) -> None:
    """boto3 with its base URL and its credentials changed: the signature, which is good for nothing, is taken off."""
    id, secret = await make_key(bedrock)
    for path, status in ((MODEL, 200), ("/model/a%2Fb/converse", 200)):
        assert (await send(bedrock, "/proxy/bedrock" + path, BODY, signed(path, host="127.0.0.1:8787", key=secret)))[
            0
        ] == status
    for request in provider.requests:
        assert request.header("authorization") == "Bearer bedrock-api-key-of-the-server"
        assert request.header("x-amz-security-token") is None
        assert bytes(request.body) == BODY
    assert {exchange.key_id for exchange in await bedrock.exchanges(2)} == {id}
    assert secret not in repr(provider.requests[0].headers)
    unknown = signed(MODEL, key=new_key())
    status, got = await send(bedrock, "/proxy/bedrock" + MODEL, BODY, unknown)
    assert (status, got["__type"]) == (401, "AccessDeniedException")


async def test_a_signature_over_a_tracer_key_cannot_go_up(bedrock: Proxy, provider: Provider) -> None:
    _, secret = await make_key(bedrock)
    status, got = await send(bedrock, "/proxy/bedrock" + MODEL, BODY, signed(MODEL, **{"x-portkey-api-key": secret}))
    assert (status, got["reason"]) == (400, "signed_key")
    assert "x-portkey-api-key" in got["message"]
    assert (await send(bedrock, "/proxy/bedrock" + MODEL, BODY, {**signed(MODEL), "x-portkey-api-key": secret}))[0] == 200
    (request,) = provider.requests
    verify(request, HOST)
    assert request.header("x-portkey-api-key") is None


async def test_nothing_is_added_to_a_signed_request(start_proxy: Start, provider: Provider) -> None:
    provider.always(echo)
    body = b'{"model":"m","stream":true,"messages":[]}'
    path = "/openai/v1/chat/completions"
    async with start_proxy(TRACER_UPSTREAM_BEDROCK=provider.url, TRACER_PROPAGATE_TRACEPARENT="*") as proxy:
        parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        assert (await send(proxy, "/proxy/bedrock" + path, body, {**signed(path, body), "traceparent": parent}))[0] == 200
        (request,) = provider.requests
        assert bytes(request.body) == body  # unsigned, its usage would be asked for
        assert request.header("traceparent") == parent
        verify(request, HOST)


async def test_amazons_host_names_the_region_also_of_an_unsigned_request(bedrock: Proxy, provider: Provider) -> None:
    bearer = {"Authorization": "Bearer bedrock-api-key-of-its-own", "Host": HOST}
    assert (await send(bedrock, f"http://{HOST}{MODEL}", BODY, bearer))[0] == 200
    assert (provider.requests[0].header("host"), provider.requests[0].target) == (HOST, MODEL)


async def test_a_signed_body_at_the_openai_door_is_not_changed(bedrock: Proxy, provider: Provider) -> None:
    body, path = b'{"model":"m","stream":true,"messages":[]}', "/openai/v1/chat/completions"
    headers = {**signed(path, body), "x-portkey-provider": "bedrock"}
    assert (await send(bedrock, "/v1/chat/completions", body, headers))[0] == 200
    (request,) = provider.requests
    verify(request, HOST)
    bearer = {"x-portkey-provider": "bedrock", "Authorization": "Bearer bedrock-api-key-of-its-own"}
    assert (await send(bedrock, "/v1/chat/completions", body, bearer))[0] == 200
    assert b"include_usage" in provider.requests[1].body


REFUSED = [
    ({}, 400, "no_region"),
    ({"Authorization": "Bearer some-bedrock-api-key"}, 400, "no_region"),
    ({"Authorization": "AWS4-HMAC-SHA256 Credential=AKIA/20261122/evil.example/bedrock/aws4_request"}, 400, "no_region"),
]


@pytest.mark.parametrize(("headers", "status", "kind"), REFUSED)
async def test_without_a_region_there_is_nowhere_to_go(
    start_proxy: Start, headers: dict[str, str], status: int, kind: str
) -> None:
    async with start_proxy() as proxy:
        got_status, got = await send(proxy, "/proxy/bedrock" + MODEL, BODY, headers)
        assert (got_status, got["reason"]) == (status, kind)
        assert "TRACER_UPSTREAM_BEDROCK=https://bedrock-runtime.REGION.amazonaws.com" in got["message"]
        assert (await proxy.exchange()).outcome is Outcome.REFUSED


def test_what_a_signature_says() -> None:
    headers = signed(MODEL)
    found = signature({"authorization": headers["Authorization"]}, "")
    names = {"content-type", "host", "x-amz-date", "x-amz-security-token"}
    assert found == Signature("AKIAEXAMPLE", "eu-west-1", frozenset(names))
    assert key_id(headers["Authorization"]) == "AKIAEXAMPLE"
    assert signature({"authorization": "Bearer x"}, "a=b") is None
    assert signature({"authorization": "AWS4-HMAC-SHA256"}, "") == Signature("", "", frozenset())
    assert key_id("Bearer Credential=A/20261122/r/s/aws4_request") == ""
    credential = quote("AK/20261122/us-east-1/bedrock/aws4_request", safe="")
    query = f"X-Amz-Credential={credential}&X-Amz-SignedHeaders=host%3Bx-a&X-Amz-Signature=0"
    assert signature({}, query) == Signature("AK", "us-east-1", frozenset({"host", "x-a"}))


@pytest.mark.parametrize(
    "host",
    [
        HOST,
        HOST.upper(),
        HOST + ":443",
        "bedrock.us-gov-west-1.amazonaws.com",
        "bedrock-mantle.us-east-1.api.aws",
        "bedrock-runtime-fips.us-east-1.amazonaws.com",
        "bedrock-runtime.cn-north-1.amazonaws.com.cn",
    ],
)
def test_hosts_of_amazons_bedrock(host: str) -> None:
    assert is_bedrocks(host)


@pytest.mark.parametrize(
    "host",
    [
        "",
        "127.0.0.1:8787",
        "bedrock.amazonaws.com",
        HOST + ".evil.example",
        "evil." + HOST,
        "x@" + HOST,
        HOST + "@evil",
        HOST + ":99",
        "bedrock-x.s3.us-east-1.amazonaws.com",
        HOST + "/",
        "s3.eu-west-1.amazonaws.com",
    ],
)
def test_hosts_that_are_not(host: str) -> None:
    assert not is_bedrocks(host)


@given(st.text(max_size=200), st.text(max_size=100))
def test_no_header_and_no_query_breaks_the_reading(value: str, query: str) -> None:
    for made in (
        signature({"authorization": "AWS4-HMAC-SHA256 " + value}, query),
        signature({}, query + "&X-Amz-Signature=" + value),
    ):
        assert isinstance(made, Signature)
        assert not made.region or is_bedrocks(f"bedrock-runtime.{made.region}.amazonaws.com")
