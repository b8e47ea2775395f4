import http.server
import shlex
import subprocess
import threading
from collections.abc import Iterator

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tracer.ui.curl import curl, path_of

ORIGIN = "http://127.0.0.1:8787"
BODY = '{"messages": [{"role": "user", "content": "it\'s `$(touch /tmp/x)` \\"quoted\\" $HOME\\n"}]}'


class Received:
    def __init__(self) -> None:
        self.method = self.path = self.body = ""
        self.headers: dict[str, str] = {}


@pytest.fixture
def received() -> Iterator[tuple[str, Received]]:
    got = Received()

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.method, got.path = self.command, self.path
            got.headers = {name.lower(): value for name, value in self.headers.items()}
            got.body = self.rfile.read(int(self.headers["content-length"])).decode()
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", got
        server.shutdown()
        thread.join()


def test_a_shell_sends_the_same_call(received: tuple[str, Received]) -> None:
    origin, got = received
    headers = {
        "Content-Type": "application/json",
        "authorization": "***",
        "x-portkey-metadata": '{"it": "\'s"}',
        "x-portkey-trace-id": "old",
        "user-agent": "OpenAI/Python",
    }
    made = curl(origin, "POST", "/v1/chat/completions", headers, BODY)
    subprocess.run(
        ["sh", "-c", made.command], check=True, env={"PATH": "/usr/bin:/bin", "API_KEY": "k", "no_proxy": "*"}, timeout=20
    )
    assert (got.method, got.path, got.body) == ("POST", "/v1/chat/completions", BODY)
    assert got.headers["authorization"] == "Bearer k"
    assert got.headers["content-type"] == "application/json"
    assert got.headers["x-portkey-metadata"] == '{"it": "\'s"}'
    assert "x-portkey-trace-id" not in got.headers
    assert got.headers["user-agent"].startswith("curl")
    assert made.remarks == ()


@given(
    st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), min_size=1, max_size=60),
    st.text(st.characters(exclude_categories=("Cs",)), max_size=30),
)
def test_no_text_leaves_its_quotes(body: str, value: str) -> None:
    assume(not body.startswith("["))
    headers = {"authorization": "***", "content-type": value, "x-portkey-metadata": value, "x-portkey-other": "***"}
    words = [word for word in shlex.split(curl(ORIGIN, "POST", "/v1/x", headers, body).command) if word != "\n"]
    sent = [f"{name}: {value}" for name in ("content-type", "x-portkey-metadata") if value.isprintable()]
    flags = [part for header in ("Authorization: Bearer $API_KEY", *sent) for part in ("-H", header)]
    assert words[: len(flags) + 2] == ["curl", f"{ORIGIN}/v1/x", *flags]
    assert words[len(flags) + 2 :] == (["--data-raw", body] if body != "\n" else ["--data-raw"])


def test_other_methods_and_no_body() -> None:
    made = curl(ORIGIN, "GET", "/v1/models", {"x-api-key": "***"}, "")
    assert made.command == 'curl -X GET http://127.0.0.1:8787/v1/models \\\n  -H "x-api-key: $API_KEY"'


def test_what_keeps_it_from_being_the_same_is_said() -> None:
    def remarks(body: str, path: str = "/v1/x") -> str:
        return " ".join(curl(ORIGIN, "POST", path, {}, body).remarks)

    assert "Images and audio" in remarks('{"url": "tracer:media;type=image/png;bytes=1;sha256=a"}')
    assert "beginning and the end" in remarks('{"a\n[… 12 bytes not kept …]\n"}')
    assert "not kept as text" in remarks("[multipart/form-data, 12 bytes]")
    assert "too long" in remarks("x" * 200_000)
    assert "braces" in remarks("{}", "/v1/files/{id}")
    assert remarks("[1, 2]") == ""


def test_paths_get_their_parts_back() -> None:
    assert path_of("/v1beta/models/{model}:generateContent", "gemini-3", "") == "/v1beta/models/gemini-3:generateContent"
    assert path_of("/v1/prompts/{prompt}/completions", "m", "pp-x") == "/v1/prompts/pp-x/completions"
    assert path_of("/v1/files/{id}", "m", "p") == "/v1/files/{id}"
    assert path_of("/v1/models/{model}", "a\nb", "") == "/v1/models/{model}"
