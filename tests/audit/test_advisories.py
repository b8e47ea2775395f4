"""The audit's report, against a service of advisories on loopback: what it knows is told, and what it cannot know too."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.ports import free_port

KNOWN = {"jinja2": ("2.10", "PYSEC-2019-217", "2.10.1"), "urllib3": ("1.24", "PYSEC-2019-133", "1.24.3")}


class Advisories(BaseHTTPRequestHandler):
    """Answers as OSV's query does."""

    known = KNOWN

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        name = asked["package"]["name"]
        said: dict[str, object] = {}
        if name in self.known and asked["version"] == self.known[name][0]:
            _, number, fixed = self.known[name]
            ranges = [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": fixed}]}]
            affected = [{"package": {"name": name, "ecosystem": "PyPI"}, "ranges": ranges}]
            said = {"vulns": [{"id": number, "aliases": [f"CVE-{number}"], "summary": "…", "affected": affected}]}
        body = json.dumps(said).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is printed."""


class NoAdvisories(Advisories):
    known = {}  # noqa: RUF012


@pytest.fixture
def serve() -> Iterator[object]:
    started: list[ThreadingHTTPServer] = []

    def start(kind: type[Advisories]) -> str:
        server = ThreadingHTTPServer(("127.0.0.1", free_port()), kind)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        started.append(server)
        return f"http://127.0.0.1:{server.server_port}/v1/query"

    yield start
    for server in started:
        server.shutdown()
        server.server_close()


def audit(tmp_path: Path, url: str, *lines: str, must: bool = False) -> tuple[int, list[str]]:
    """Exit status and report on these pins."""
    constraints = tmp_path / "constraints.txt"
    constraints.write_text("".join(f"{line}\n" for line in lines))
    options = ["--only-advisories", "--osv-url", url, "--constraints", str(constraints), *(["--must"] if must else [])]
    ran = subprocess.run([sys.executable, "-m", "tests.audit", *options], capture_output=True, text=True, check=False)
    assert ran.stderr == ""
    return ran.returncode, ran.stdout.splitlines()


def test_a_vulnerable_pin_fails_the_audit(tmp_path: Path, serve) -> None:  # type: ignore[no-untyped-def]
    assert audit(tmp_path, serve(Advisories), "idna==3.20", "urllib3==1.24") == (
        1,
        [
            "advisories: VULNERABLE urllib3 1.24: PYSEC-2019-133, CVE-PYSEC-2019-133; fixed in 1.24.3",
            "advisories: audited 2 of 2 pinned versions by OSV: 1 known vulnerabilities",
        ],
    )


def test_pins_of_which_nothing_is_known_pass(tmp_path: Path, serve) -> None:  # type: ignore[no-untyped-def]
    said = ["advisories: audited 2 of 2 pinned versions by OSV: no known vulnerability"]
    assert audit(tmp_path, serve(Advisories), "idna==3.20", "urllib3==2.8.0", must=True) == (0, said)


@pytest.mark.parametrize("must", [False, True])
def test_a_source_that_knows_nothing_of_what_is_well_known_is_no_source(tmp_path: Path, serve, must: bool) -> None:  # type: ignore[no-untyped-def]
    status, said = audit(tmp_path, serve(NoAdvisories), "urllib3==1.24", must=must)
    assert status == (2 if must else 0)
    assert said == [
        "advisories: OSV cannot be used: does not tell the vulnerabilities of jinja2 2.10, which are well known",
        "advisories: NOT AUDITED: none of 1 pinned versions was compared with any advisory, for no source could be used",
    ]


def test_without_a_network_it_says_that_nothing_was_audited(tmp_path: Path) -> None:
    status, said = audit(tmp_path, f"http://127.0.0.1:{free_port()}/v1/query", "urllib3==1.24")
    assert status == 0
    assert said[0].startswith("advisories: OSV cannot be used: ")
    assert "refused" in said[0]
    assert said[1].startswith("advisories: NOT AUDITED: none of 1 pinned")
