"""presidio's recognizers as one kind, where the extra `presidio` is installed: what has a form or a check sum in some country
(IBAN, social security, passports, tax and health numbers, IP and bitcoin addresses, …).

Its recognizers of names and places need a language model of hundreds of megabytes, which is no package of the index and
which presidio would download when it starts. Nothing is downloaded here: the tokenizer is spaCy's blank one, so those
recognizers find nothing; and those of e-mail and web addresses, which fetch the list of public suffixes, are left out (the
kind `email` is ours).

Trap: 1 µs a letter and up to 30 where much is found, a hundred times what the built-in kinds take. So a text of more than
LARGEST letters is refused, which costs the record its content (redactor.py).
"""

from collections.abc import Callable, Iterator
from typing import Any

from tracer.patterns.kinds import Finder, Range

LARGEST = 100_000
# What presidio is sure of by more than a form that many numbers have.
_LEAST_SCORE = 0.5
_LEFT_OUT = ("EmailRecognizer", "UrlRecognizer", "DateRecognizer", "SpacyRecognizer")


class TooLong(Exception):
    """A text that would take seconds."""


def finder() -> Finder:
    """What presidio finds. Takes a second or two to make. Raises ImportError."""
    analyze = _analyze()

    def find(text: str) -> Iterator[Range]:
        if len(text) > LARGEST:
            raise TooLong(f"{len(text)} letters")
        for found in analyze(text=text, language="en", score_threshold=_LEAST_SCORE):
            yield found.start, found.end

    return find


def _analyze() -> Callable[..., Any]:
    import spacy
    from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
    from presidio_analyzer.nlp_engine import SpacyNlpEngine

    class Blank(SpacyNlpEngine):  # type: ignore[misc]
        def load(self) -> None:
            self.nlp = {"en": spacy.blank("en")}

    engine = Blank(models=[{"lang_code": "en", "model_name": "blank"}])
    engine.load()
    registry = RecognizerRegistry(supported_languages=["en"])
    registry.load_predefined_recognizers(languages=["en"], nlp_engine=engine)
    for name in _LEFT_OUT:
        registry.remove_recognizer(name)
    analyzer = AnalyzerEngine(registry=registry, nlp_engine=engine, supported_languages=["en"])
    return analyzer.analyze  # type: ignore[no-any-return]
