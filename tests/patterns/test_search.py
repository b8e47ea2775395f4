"""All kinds on one text: in JSON, in JSON inside of JSON, in URLs; JSON stays JSON, and of a secret nothing is left."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.patterns.planted import CARDS, EMAILS, KEYS, PEM, PHONES
from tracer.patterns.custom import finders
from tracer.patterns.kinds import built_in
from tracer.patterns.search import Search

SECRETS = {
    **{text: "key" for text in (*KEYS.values(), PEM)},
    **dict.fromkeys(CARDS.values(), "card"),
    **dict.fromkeys(EMAILS, "email"),
    **dict.fromkeys(PHONES, "phone"),
}
# What says nothing of a kind, with everything that JSON writes in another way.
AROUND = st.text(st.sampled_from('abc \n\t"\\/,:{}[]<>üß漢😀\u2028'), max_size=12)
texts = st.builds(
    lambda before, secret, after: (before + " " + secret + " " + after, secret),
    AROUND,
    st.sampled_from(sorted(SECRETS)),
    AROUND,
)


def search() -> Search:
    return Search(built_in(["all"]))


def everywhere(text: str) -> dict[str, Any]:
    return {
        text: text,
        "list": [text, {"deep": text}],
        "number": 12,
        "inside": json.dumps({"a": [text], "b": json.dumps([text])}),
    }


def spell(text: str, letters: bool) -> str:
    """As the most cautious JSON writer would spell it, or one that escapes every letter."""
    return "".join(f"\\u{ord(letter):04x}" for letter in text) if letters and text.isascii() else json.dumps(text)[1:-1]


@given(texts)
def test_nothing_is_left_in_a_document(planted: tuple[str, str]) -> None:
    text, secret = planted
    document = json.dumps(everywhere(text))
    clean = search().hidden(document)
    assert secret not in said(json.loads(clean))
    assert json.loads(clean)["number"] == 12


@given(texts, st.booleans())
def test_nothing_is_left_of_a_secret_in_any_spelling(planted: tuple[str, str], letters: bool) -> None:
    text, secret = planted
    spelt = text.replace(secret, "\0")
    whole = '{"a":"' + json.dumps(spelt)[1:-1].replace("\\u0000", spell(secret, letters)) + '"}'
    assert secret in json.loads(whole)["a"]
    assert secret not in json.loads(search().hidden(whole))["a"]


def said(value: Any) -> str:
    """All texts of a document, also of documents inside of its texts, as they read."""
    if isinstance(value, dict):
        return "\x00".join(said(part) for item in value.items() for part in item)
    if isinstance(value, list):
        return "\x00".join(map(said, value))
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return said(json.loads(value))
        except ValueError:
            return value
    return str(value)


@settings(max_examples=60)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_a_document_without_any_stays_as_it_is_or_stays_json(document: Any) -> None:
    text = json.dumps(document)
    clean = search().hidden(text)
    json.loads(clean)
    searched = search()
    if not searched.all(text):
        assert clean == text


@given(st.text(st.sampled_from('{}[]":,\\ 4un0@a.bc12+-\n'), max_size=60), st.sampled_from([json.dumps, lambda text: text]))
def test_valid_json_stays_valid(text: str, written: Any) -> None:
    document = written({"a": text, "b": json.dumps({text: 4111111111111111})}) if written is json.dumps else text
    try:
        json.loads(document)
    except ValueError:
        return
    json.loads(search().hidden(document))


@pytest.mark.parametrize("number", [4111111111111111, 378282246310005])
def test_a_number_becomes_a_text(number: int) -> None:
    document = {
        "a": number,
        "b": [1, number],
        "c": json.dumps({"a": [number, {"b": number}]}),
        "d": f'": {number}',
        "e": f"{number},",
    }
    clean = json.loads(search().hidden(json.dumps(document)))
    assert clean["a"] == "[card]"
    assert clean["b"] == [1, "[card]"]
    assert json.loads(clean["c"]) == {"a": ["[card]", {"b": "[card]"}]}
    assert clean["d"] == '": [card]'
    assert clean["e"] == "[card],"


@pytest.mark.parametrize(
    "number", ["-4111111111111111", '{"phone": 41555526.71}', '{"cell": 4155552671}', '{"a": {"fax":-1234567}}']
)
def test_all_of_a_number_becomes_a_text(number: str) -> None:
    for spaces in ("", " " * 99):
        json.loads(search().hidden(f"{spaces}[{number}, 1]"))
    assert "-4111" not in search().hidden("[-4111111111111111]")


def test_a_number_of_ones_own_kind() -> None:
    found = Search(built_in([]) | finders({"pin": r"\d{4}", "word": "true"}))
    assert json.loads(found.hidden('{"a": [12345678.12345, 1e1000, true, "1234"]}')) == {
        "a": ["[pin]", "[pin]", "[word]", "[pin]"],
    }


def test_what_stands_around_stays_letter_by_letter() -> None:
    document = '{ "n": 1.10, "big": 123456789012345678901234567890, "n": 2, "to": "a\\u00fc\\n%s" ,"e":1E5}'
    assert search().hidden(document % "john@example.com") == document % "[email]"


def test_kinds_are_counted() -> None:
    searched = search()
    assert searched.hidden(f"a@b.de, c@d.de and {CARDS['visa']}") == "[email], [email] and [card]"
    assert searched.found == {"email": 2, "card": 1}


def test_what_overlaps_becomes_one() -> None:
    assert search().hidden("postgres://u:sk-aB3dE5fG7hJ9kL1mN3pQ5rS7@db.example.com/x") in (
        "postgres://u:[email]/x",
        "postgres://u:[key]/x",
        "postgres://[email]/x",
    )


@pytest.mark.parametrize(
    "target", ["/v1/x?user=john%40example.com&b=1", "/v1/john%40example.com", "/v1/x?a=1&tel=%2B49+30+123456"]
)
def test_urls(target: str) -> None:
    clean = search().hidden(target, percents=True)
    assert "example" not in clean
    assert "123456" not in clean
    assert clean.startswith("/v1/")


@given(st.text(max_size=80))
def test_only_kinds_that_are_asked_for(text: str) -> None:
    assert Search({}).hidden(text) is text
    assert "[card]" not in Search(built_in(["email"])).hidden("4111111111111111 " + text.replace("[card]", ""))
