"""Two questions share a key only if they are the same question by the same caller."""

import json
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tracer.cache.key import cache_key, identity
from tracer.cache.rule import Rule

BODY = b'{"model":"m","messages":[{"role":"user","content":"hi"}],"stream":false}'
CALL: dict[str, Any] = {
    "identity": identity("", "", "sk-1"),
    "method": "POST",
    "url": "https://api.example/v1/chat/completions",
    "body": BODY,
    "headers": [(b"Accept-Encoding", b"gzip"), (b"User-Agent", b"u"), (b"Authorization", b"Bearer sk-1")],
}


def key(rule: Rule = Rule(), **changed: Any) -> str:  # noqa: B008  (frozen)
    found = cache_key(rule, **{**CALL, **changed})
    assert found is not None
    return found


@pytest.mark.parametrize(
    "changed",
    [
        {"identity": identity("", "", "sk-2")},
        {"identity": identity("sk-1", "", "")},
        {"identity": identity("", "sk-1", "")},
        {"identity": identity("", "", "")},
        {"method": "PUT"},
        {"url": "https://api.example/v1/chat/completions?x=1"},
        {"url": "https://other.example/v1/chat/completions"},
        {"body": BODY.replace(b"hi", b"ho")},
        {"body": BODY.replace(b"false", b"true")},
        {"body": BODY.replace(b"false", b"0")},
        {"body": BODY.replace(b"}]", b'}],"stream_options":{"include_usage":true}')},
        {"headers": [(b"Accept-Encoding", b"identity")]},
        {"headers": [(b"Accept-Encoding", b"gzip"), (b"Accept", b"text/event-stream")]},
        {"headers": [(b"Accept-Encoding", b"gzip"), (b"OpenAI-Beta", b"x")]},
        {"headers": [(b"Accept-Encoding", b"gzip"), (b"anthropic-version", b"x")]},
        {"headers": [(b"Accept-Encoding", b"gzip"), (b"Groq-Beta", b"x")]},
        {"added": [("X-Route", "a")]},
        {"added": [("X-Route", "b")]},
        {"rule": Rule(namespace="n")},
        {"rule": Rule(metadata="n")},
        {"rule": Rule(metadata='{"_user":"a"}')},
    ],
)
def test_every_part_counts(changed: dict[str, Any]) -> None:
    assert key(**changed) != key()


def test_all_of_them_are_different_from_each_other() -> None:
    rules = [Rule(), Rule(namespace="a"), Rule(metadata="a"), Rule(namespace="b")]
    found = {key(rule, method=method) for rule in rules for method in ("POST", "a", "b")}
    assert len(found) == 12


@pytest.mark.parametrize(
    "changed",
    [
        {"headers": [(b"accept-ENCODING", b"gzip"), (b"x-stainless-retry-count", b"1"), (b"Authorization", b"Bearer sk-9")]},
        {"body": json.dumps(json.loads(BODY), indent=2).encode()},
        {"body": b'{"stream":false,"messages":[{"content":"h\\u0069","role":"user"}],"model":"m"}'},
        {"rule": Rule(max_age_s=100)},
        {"rule": Rule(mode="semantic")},
        {"rule": Rule(refresh=True)},
    ],
)
def test_what_does_not_count(changed: dict[str, Any]) -> None:
    assert key(**changed) == key()


def test_a_namespace_takes_the_place_of_the_metadata() -> None:
    assert key(Rule(namespace="n", metadata="a")) == key(Rule(namespace="n", metadata="b"))


def test_the_workspace_counts_before_the_key_and_the_key_before_the_providers() -> None:
    assert identity("w", "k", "p") == identity("w", "other", "other") != identity("", "k", "p")
    assert identity("", "k", "p") == identity("", "k", "other") != identity("", "", "p")
    assert b"sk-secret" not in identity("", "", "sk-secret")


def test_the_order_of_different_headers_does_not_count_that_of_the_same_does() -> None:
    a, b, other = (b"Accept", b"a"), (b"Accept", b"b"), (b"Accept-Encoding", b"gzip")
    assert key(headers=[a, other]) == key(headers=[other, a])
    assert key(headers=[a, b]) != key(headers=[b, a])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"[]",
        b'"text"',
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":1e999}',
        b'{"a":-1e999}',
        b'{"a":1,"a":2}',
        b'{"a":{"b":1,"b":1}}',
        b'{"a":"\xff"}',
        '{"a":1}'.encode("utf-16"),
        b'\xef\xbb\xbf{"a":1}',
        b'{"a":' + b"9" * 5000 + b"}",
        b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"model":"m","background":true}',
        b'{"model":"m","conversation":"conv_1"}',
    ],
)
def test_bodies_that_have_no_key(body: bytes) -> None:
    assert cache_key(Rule(), **{**CALL, "body": body}) is None


def test_a_body_that_says_no_to_what_keeps_it_out_has_a_key() -> None:
    assert key(body=b'{"model":"m","background":false,"conversation":null}')


def test_a_number_beyond_64_bits_and_half_a_surrogate_are_told_apart() -> None:
    bodies = [b'{"a":18446744073709551616}', b'{"a":18446744073709551617}', b'{"a":"\\ud800"}', b'{"a":"\\udfff"}']
    assert len({key(body=body) for body in bodies}) == 4


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
DOCUMENT = st.dictionaries(st.text(), JSON, max_size=4).filter(lambda d: not (d.get("background") or d.get("conversation")))


def shuffled(value: Any, rng: Any) -> Any:
    if isinstance(value, dict):
        items = [(name, shuffled(part, rng)) for name, part in value.items()]
        rng.shuffle(items)
        return dict(items)
    return [shuffled(part, rng) for part in value] if isinstance(value, list) else value


@given(DOCUMENT, st.randoms(use_true_random=False))
def test_key_order_and_spelling_do_not_matter(document: dict[str, Any], rng: Any) -> None:
    plain = key(body=json.dumps(document).encode())
    assert key(body=json.dumps(shuffled(document, rng), ensure_ascii=False, indent=1).encode("utf-8")) == plain


@given(DOCUMENT, DOCUMENT)
def test_different_documents_have_different_keys(one: dict[str, Any], other: dict[str, Any]) -> None:
    texts = [json.dumps(document, sort_keys=True).encode() for document in (one, other)]
    assert (key(body=texts[0]) == key(body=texts[1])) is (texts[0] == texts[1])


SMALL = st.text("ab", max_size=3)
PARTS = st.fixed_dictionaries(
    {
        "workspace": SMALL,
        "key_id": SMALL,
        "provider_key": SMALL,
        "method": SMALL,
        "url": SMALL,
        "namespace": st.none() | SMALL,
        "metadata": SMALL,
        "added": st.lists(st.tuples(SMALL, SMALL), max_size=2),
    }
)


def of(parts: dict[str, Any]) -> str:
    return key(
        Rule(namespace=parts["namespace"], metadata=parts["metadata"]),
        identity=identity(parts["workspace"], parts["key_id"], parts["provider_key"]),
        method=parts["method"],
        url=parts["url"],
        added=parts["added"],
        headers=(),
    )


def meaning(parts: dict[str, Any]) -> Any:
    """What must be equal for two keys to be equal, said another way."""
    who = next(((kind, parts[kind]) for kind in ("workspace", "key_id", "provider_key") if parts[kind]), None)
    scope = ("metadata", parts["metadata"]) if parts["namespace"] is None else ("namespace", parts["namespace"])
    return who, parts["method"], parts["url"], scope, sorted(parts["added"], key=lambda pair: pair[0])


@given(PARTS, PARTS)
def test_two_keys_are_the_same_if_they_mean_the_same(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert (of(one) == of(other)) is (meaning(one) == meaning(other))


@given(st.text("ab", min_size=2, max_size=6), st.integers(0, 6), st.integers(0, 6))
def test_text_cannot_move_from_one_part_to_the_next(text: str, cut: int, other: int) -> None:
    assume(text[:cut] != text[:other])
    assert key(method=text[:cut], url=text[cut:]) != key(method=text[:other], url=text[other:])
    assert key(added=[(text[:cut], text[cut:])]) != key(added=[(text[:other], text[other:])])
    assert key(added=[("a", text[:cut]), ("a", text[cut:])]) != key(added=[("a", text[:other]), ("a", text[other:])])
