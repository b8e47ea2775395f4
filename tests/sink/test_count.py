import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer.sink import count
from tracer.sink.count import FAMILIES, MOST_CHARS, OTHERS, by_letters, family_of, tokens_of, way_of

BY_NAME = {family.name: family for family in FAMILIES}


@pytest.mark.parametrize(
    ("model", "provider", "name"),
    [
        ("gpt-4o-mini", "openai", "OpenAI"),
        ("gpt-4.1", "openai", "OpenAI"),
        ("gpt-5-mini", "azure-openai", "OpenAI"),
        ("o3-mini", "openai", "OpenAI"),
        ("openai/gpt-oss-120b", "groq", "gpt-oss"),
        ("gpt-4-turbo", "openai", "OpenAI before GPT-4o"),
        ("gpt-3.5-turbo", "openai", "OpenAI before GPT-4o"),
        ("text-embedding-3-small", "openai", "OpenAI before GPT-4o"),
        ("us.anthropic.claude-sonnet-4-5", "bedrock", "Anthropic"),
        ("gemini-2.5-flash", "google", "Google"),
        ("meta-llama/Llama-3.3-70B", "together-ai", "Llama"),
        ("", "anthropic", "Anthropic"),
        ("what-1", "who", "others"),
        ("", "", "others"),
    ],
)
def test_families(model: str, provider: str, name: str) -> None:
    assert family_of(model, provider).name == name


def test_tokens_are_those_of_the_vocabulary_times_the_factor() -> None:
    texts = ["The quick brown fox jumps over the lazy dog.", "", "hello"]
    assert tokens_of(texts, BY_NAME["OpenAI"]) == 11
    assert tokens_of(texts, BY_NAME["Anthropic"]) == pytest.approx(11 * 1.18)
    assert tokens_of([], OTHERS) == 0
    assert way_of(BY_NAME["OpenAI"]) == "o200k_base"
    assert way_of(BY_NAME["Anthropic"]) == "o200k_base × 1.18"


def test_of_more_than_the_bound_a_part_is_counted_and_the_rest_is_taken_to_be_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(count, "MOST_CHARS", 1000)
    text = "word " * 1000
    assert tokens_of([text], BY_NAME["OpenAI"]) == pytest.approx(1001, abs=5)
    assert tokens_of([text, text], BY_NAME["OpenAI"]) == pytest.approx(2002, abs=10)
    assert MOST_CHARS == 1 << 20


def test_without_the_package_letters_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(count, "_counter", lambda vocabulary: None)
    assert tokens_of(["abcdefgh"], BY_NAME["OpenAI"]) == 2
    assert way_of(BY_NAME["OpenAI"]) == "a rule of letters"
    assert by_letters("") == 0
    assert by_letters("漢字かな abcd") == 4 + 2


@given(st.lists(st.text(max_size=50), max_size=4))
def test_any_text_has_a_count(texts: list[str]) -> None:
    found = tokens_of(texts, OTHERS)
    assert (found > 0) == any(texts)
    assert found <= OTHERS.factor * sum(len(text.encode()) for text in texts) + 1e-9
