"""A profile changes nothing but the cost: what it says of a request is what looking at each header says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer.proxy import profile
from tracer.proxy.headers import HeaderList, lines, recorded, upstream
from tracer.proxy.profile import filled, profile_of
from tracer.redact import callers_secrets

NAMES = st.sampled_from(
    [
        b"Host",
        b"Content-Type",
        b"content-length",
        b"Content-Length",
        b"Authorization",
        b"Connection",
        b"X-Hop",
        b"X-Own",
        b"Accept-Encoding",
        b"User-Agent",
        b"x-portkey-debug",
        b"x-portkey-trace-id",
        b"X-Portkey-Metadata",
        b"traceparent",
        b"X-Request-Id",
        b"Cookie",
    ]
)
VALUES = st.sampled_from([b"", b"a", b"b", b"false", b"keep-alive, X-Hop", b"Bearer sk-0123456789", b"\xff\xfe"]) | st.binary(
    max_size=6
).filter(lambda value: not set(value) & {10, 13, 0})
RAW = st.lists(st.tuples(NAMES, VALUES), max_size=12).map(tuple)
DROPS = st.sampled_from([frozenset(), frozenset({"authorization"}), frozenset({"content-length", "accept-encoding"})])


@given(RAW, DROPS, st.sampled_from([[], [(b"Authorization", b"Bearer other")]]))
def test_it_says_what_the_headers_say(raw: tuple[tuple[bytes, bytes], ...], drop: frozenset[str], added: HeaderList) -> None:
    for _ in range(2):  # made, and found again
        known = profile_of(raw)
        assert known.recorded(raw) == recorded(raw)
        assert set(known.secrets) == set(callers_secrets(raw, ""))
        assert filled(known.parts(drop, added), raw) == lines([*upstream(raw, drop=drop), *added])


@given(RAW, RAW)
def test_only_what_varies_is_not_told_apart(
    one: tuple[tuple[bytes, bytes], ...], other: tuple[tuple[bytes, bytes], ...]
) -> None:
    varying = {b"content-length", b"x-portkey-trace-id", b"x-portkey-metadata", b"traceparent", b"x-request-id"}

    def fixed(raw: tuple[tuple[bytes, bytes], ...]) -> list[object]:
        return [name if name.lower() in varying else (name, value) for name, value in raw]

    assert (profile_of(one) is profile_of(other)) == (fixed(one) == fixed(other))


def test_one_that_varies_in_a_traces_id_only_is_the_same_and_is_traced() -> None:
    first = profile_of(((b"Host", b"h"), (b"x-portkey-trace-id", b"1")))
    assert profile_of(((b"Host", b"h"), (b"x-portkey-trace-id", b"2"))) is first
    assert first.traced
    assert not profile_of(((b"Host", b"h"), (b"Content-Length", b"2"))).traced


def test_who_the_client_is() -> None:
    library = (b"User-Agent", b"python-httpx/0.28.1")
    assert profile_of((library,)).client == "python-httpx/0.28.1"
    assert profile_of((library, (b"x-portkey-package-version", b"portkey-2.3.4"))).client == "portkey-2.3.4"
    assert profile_of((library, (b"x-portkey-package-version", b""))).client == "python-httpx/0.28.1"
    assert profile_of(()).client == ""
    assert len(profile_of(((b"User-Agent", b"x" * 500),)).client) == profile.LONGEST_CLIENT


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profile, "_profiles", {})
    for number in range(profile.MOST + 10):
        profile_of(((b"X-Made-Up", b"%d" % number),))
    assert len(profile._profiles) == 10
    large = ((b"X-Large", b"x" * profile.LARGEST),)
    assert profile_of(large) is not profile_of(large)
    assert len(profile._profiles) == 10
