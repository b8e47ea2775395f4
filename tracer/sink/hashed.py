"""The media of an exchange as hashes, where its bodies are small and came from the spool as they were (tracer/media.py)."""

from array import array

import msgspec

from tracer.media import SMALL, replace_media
from tracer.records import Body, Chunks, Exchange

_NO_LENGTHS = array("I")


def with_hashed_media(exchange: Exchange) -> Exchange:
    """The same exchange, if there is no media in it, as there is in hardly any."""
    response, chunks = _response(exchange)
    request, original = _request(exchange.request), _request(exchange.original)
    if response is exchange.response and request is exchange.request and original is exchange.original:
        return exchange
    return msgspec.structs.replace(exchange, request=request, original=original, response=response, chunks=chunks)


def _request(body: Body) -> Body:
    if not _may_hold(body):
        return body
    data, _ = replace_media(body.head, _NO_LENGTHS)
    return body if data is body.head else msgspec.structs.replace(body, head=data)


def _response(exchange: Exchange) -> tuple[Body, Chunks]:
    body, chunks = exchange.response, exchange.chunks
    if not _may_hold(body):
        return body, chunks
    data, lengths = replace_media(body.head, array("I", chunks.length[: len(chunks.length) // 4 * 4]))
    if data is body.head:
        return body, chunks
    return msgspec.structs.replace(body, head=data), msgspec.structs.replace(chunks, length=lengths.tobytes())


def _may_hold(body: Body) -> bool:
    """Amazon's messages, which begin with a zero as no text does, are nothing without their checksums, and have what models say
    in base64. A body that is cut was large, and looked through before."""
    return 0 < body.size <= SMALL and not body.tail and body.head[:1] != b"\0"
