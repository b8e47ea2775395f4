"""Ids: call ids sort by time, OTLP ids are a function of the string and never zero."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from tracer.ids import otel_span_id, otel_trace_id, random_uuid, uuid7

HEX32 = "4bf92f3577b34da6a3ce929d0e0e4736"
HEX16 = "00f067aa0ba902b7"
HEX_DIGITS = set("0123456789abcdef")


@given(st.integers(0, 2**63), st.integers(0, 2**63), st.integers(0, 2**80 - 1), st.integers(0, 2**80 - 1))
def test_uuid7_sorts_by_millisecond(first_ns: int, second_ns: int, first_random: int, second_random: int) -> None:
    first, second = uuid7(first_ns, first_random), uuid7(second_ns, second_random)
    assert (first.version, first.variant) == (7, "specified in RFC 4122")
    if first_ns // 1_000_000 < second_ns // 1_000_000:
        assert first < second
    assert first.int >> 80 == first_ns // 1_000_000


def test_uuid7_of_the_rfc() -> None:
    """RFC 9562, appendix A.6."""
    random_80 = 0xCC3 << 64 | 0x18C4DC0C0C07398F
    assert str(uuid7(0x017F22E279B0 * 1_000_000, random_80)) == "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"


def test_uuid7_keeps_what_is_random() -> None:
    made = {uuid7(0, 1 << bit) for bit in range(80)}
    assert len(made) == 62 + 12 + 1  # 74 bits count, the others do not


def test_random_uuids_are_version_4() -> None:
    made = [random_uuid() for _ in range(100)]
    assert len(set(made)) == 100
    assert all(UUID(text).version == 4 and str(UUID(text)) == text for text in made)


def test_hex_stays_as_it_is() -> None:
    assert otel_trace_id(HEX32) == otel_trace_id(HEX32.upper()) == HEX32
    assert otel_span_id(HEX16) == otel_span_id(HEX16.upper()) == HEX16


def test_uuid_loses_its_dashes() -> None:
    assert otel_trace_id("4BF92F35-77b3-4da6-a3ce-929d0e0e4736") == HEX32


def test_anything_else_is_hashed() -> None:
    # The beginning of SHA-256("1729").
    assert otel_trace_id("1729") == "98b1690510df1bf21fe13018a2641b19"
    assert otel_span_id("1729") == "98b1690510df1bf2"
    for odd in (HEX32[:-1], HEX32 + "0", "{" + HEX32 + "}", HEX32[:-1] + "g", "4bf92f3577b3-4da6-a3ce-929d-0e0e4736"):
        assert otel_trace_id(odd) not in (HEX32, otel_trace_id("1729"))


ZEROS = ["0" * 32, "0" * 16, "00000000-0000-0000-0000-000000000000"]


@given(st.one_of(st.binary().map(lambda raw: raw.decode("utf-8", "surrogateescape")), st.sampled_from([*ZEROS, ""])))
def test_always_valid_and_the_same_again(text: str) -> None:
    for derive, digits in ((otel_trace_id, 32), (otel_span_id, 16)):
        made = derive(text)
        assert len(made) == digits
        assert set(made) <= HEX_DIGITS
        assert made.strip("0")
        assert derive(text) == made
