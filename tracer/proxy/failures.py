"""What can go wrong with an upstream, in words for programs (the row's error_type) and for people.

A connection that was never made cost nothing, so an SDK may try again (`retry`); once a request was sent the provider may have
done the work, and a repeat could be billed twice.
"""

from dataclasses import dataclass

from tracer.records import Outcome


@dataclass(frozen=True, slots=True)
class Failure:
    """What to tell the caller. `message` has places for {host} and {detail}."""

    status: int
    outcome: Outcome
    retry: bool
    message: str


_ERROR, _TIMEOUT = Outcome.UPSTREAM_ERROR, Outcome.TIMEOUT

# 408 and not 504 for time limits: what Portkey's gateway answers, and what its clients look for.
FAILURES: dict[str, Failure] = {
    "connect_timeout": Failure(408, _TIMEOUT, True, "{host} did not accept a connection in time"),
    "response_timeout": Failure(408, _TIMEOUT, False, "{host} did not answer in time"),
    "request_timeout": Failure(408, _TIMEOUT, False, "{host} did not answer within the time that the request allows"),
    "dns_error": Failure(502, _ERROR, True, "the name of {host} could not be resolved: {detail}"),
    "tls_error": Failure(502, _ERROR, False, "no TLS connection to {host}: {detail}"),
    "connect_refused": Failure(502, _ERROR, True, "{host} cannot be reached: {detail}"),
    "disconnected": Failure(502, _ERROR, False, "{host} closed the connection without an answer"),
    "reset": Failure(502, _ERROR, False, "the connection to {host} broke: {detail}"),
    "incomplete_body": Failure(502, _ERROR, False, "{host} stopped in the middle of its answer"),
    "bad_response": Failure(502, _ERROR, False, "{host} answered with something that is not HTTP"),
    "websocket_refused": Failure(502, _ERROR, False, "{host} refused the WebSocket"),
}


class UpstreamFailed(Exception):
    """A call to an upstream failed; `kind` is a key of FAILURES."""

    def __init__(self, kind: str, cause: BaseException | None = None) -> None:
        super().__init__(kind)
        self.kind = kind if kind in FAILURES else "bad_response"
        self.detail = str(getattr(cause, "strerror", None) or (type(cause).__name__ if cause else "no reason given"))

    @property
    def failure(self) -> Failure:
        return FAILURES[self.kind]

    def message(self, host: str) -> str:
        return self.failure.message.format(host=host, detail=self.detail)
