"""The run that a person starts: `python -m tests.conformance`."""

import pytest

from tests.conformance.__main__ import main
from tests.sink.exchanges import corpus, provider_of


def test_it_reads_everything_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    providers = {provider_of(recorded) for recorded in corpus()}
    assert main() == 0
    said = capsys.readouterr().out
    assert all(provider in said for provider in providers)
    assert "misread: none" in said
