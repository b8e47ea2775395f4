"""Bytes that are no text, everywhere: the call goes on, and its row is text that every backend takes."""

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.attacks.stored import stored
from tests.provider import Provider, raw
from tests.proxy.conftest import Proxy
from tests.proxy.http.wire import ask, request
from tests.sink.exchanges import exchange
from tracer.sink import price
from tracer.sink.decode import decode

PRICES = price.load(None)
BAD = [
    b"\xff\xfe",
    b"\xc0\xaf",
    b"\xed\xa0\x80",
    b"\xf5\x80\x80\x80",
    b"\xe2\x82",
    b"a\x80b",
    b"\x00\x01\x02",
    "\ud83d".encode("utf-8", "surrogatepass"),
]
CLOSE = "Connection: close"
EVERYWHERE = {
    "header": request("POST", "/v1/embeddings", [CLOSE, "User-Agent: BAD", "x-portkey-trace-id: BAD"], b"{}"),
    "metadata": request("POST", "/v1/embeddings", [CLOSE, 'x-portkey-metadata: {"_user":"BAD"}'], b"{}"),
    "config": request("POST", "/v1/embeddings", [CLOSE, 'x-portkey-config: {"provider":"BAD"}'], b"{}"),
    "baggage": request("POST", "/v1/embeddings", [CLOSE, "baggage: user=BAD,BAD=1"], b"{}"),
    "body": b"",
}


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.hex())
@pytest.mark.parametrize("where", EVERYWHERE)
async def test_in_requests(proxy: Proxy, provider: Provider, where: str, bad: bytes) -> None:
    said = b'{"model":"BAD","id":"BAD","error":{"message":"BAD"}}'.replace(b"BAD", bad)
    provider.reply(raw(b"HTTP/1.1 200 OK\r\nX-Request-Id: a\xffb\r\nContent-Length: %d\r\n\r\n%b" % (len(said), said)))
    body = b'{"model":"BAD"}'.replace(b"BAD", bad)
    data = EVERYWHERE[where].replace(b"BAD", bad) or request("POST", "/v1/files", [CLOSE], body)
    got = await ask(proxy.port, data)
    if got.status == 400 and not got.header("x-tracer-call-id"):
        return  # llhttp's word: not a header value
    stored(decode(await proxy.exchange(), PRICES))


@hypothesis.settings(max_examples=150)
@given(
    bad=st.binary(min_size=1, max_size=12),
    at=st.integers(0, 200),
    media=st.sampled_from(["application/json", "text/event-stream"]),
)
def test_anywhere_in_a_reply(bad: bytes, at: int, media: str) -> None:
    whole = b'{"id":"x","model":"m","choices":[{"finish_reason":"stop","message":{"content":"c"}}],"usage":{"a":1}}'
    if media == "text/event-stream":
        whole = b"event: e\ndata: " + whole.replace(b"message", b"delta") + b"\n\ndata: [DONE]\n\n"
    stored(decode(exchange(whole[:at] + bad + whole[at:], whole[:at] + bad + whole[at:], media=media), PRICES))


@pytest.mark.parametrize("escape", ["\\ud800", "\\udfff", "\\u0000", "\\uffff", "\\ud83d\\ude00", "\\ude00\\ud83d"])
def test_half_a_surrogate_in_json(escape: str) -> None:
    said = (
        f'{{"id":"{escape}","model":"{escape}","choices":[{{"finish_reason":"{escape}","message":{{"content":"{escape}"}}}}]}}'
    )
    stored(decode(exchange(said.encode(), f'{{"model":"{escape}","user":"{escape}"}}'.encode()), PRICES))
