"""A real Chromium (Debian's, no download) in front of the process `ui`, with a million calls behind it."""

import contextlib
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, Request, sync_playwright

from tests.ports import free_port
from tests.up import environment

_PATIENCE_S = 30.0


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """The browser, without a window."""
    program = shutil.which("chromium")
    assert program, "no chromium on PATH; on Debian or Ubuntu: apt-get install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@contextlib.contextmanager
def serving(data_dir: Path, store_port: int, log: Path) -> Iterator[str]:
    """The process `ui` on a store that runs already; yields its address."""
    port = free_port()
    own = {"TRACER_DATA_DIR": str(data_dir), "TRACER_STORE_PORT": str(store_port), "TRACER_UI_PORT": str(port)}
    command = [sys.executable, "-m", "tracer.child", "ui"]
    with log.open("wb") as written:
        process = subprocess.Popen(command, env=environment(own), stdin=subprocess.PIPE, stdout=written, stderr=written)
    try:
        deadline = time.monotonic() + _PATIENCE_S
        while not _answers(port):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, "the pages did not come up"
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.communicate(timeout=_PATIENCE_S)


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5):
            return True
    except (urllib.error.URLError, OSError):
        return False


@dataclass
class Tab:
    """A page that remembers what the browser complained of."""

    page: Page
    base: str
    complaints: list[str] = field(default_factory=list)

    def open(self, path: str, status: int = 200) -> None:
        reply = self.page.goto(self.base + path)
        assert reply is not None
        assert reply.status == status, (path, reply.status)

    def failed(self, request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # a download, or a page that was left
            self.complaints.append(f"{request.url} {request.failure}")

    @property
    def overflow(self) -> int:
        """Pixels by which the page is wider than its window."""
        return int(self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))

    def save(self, name: str) -> None:
        """A picture, where SCREENSHOTS says so."""
        if folder := os.environ.get("SCREENSHOTS"):
            Path(folder).mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=Path(folder) / f"{name}.png")


@contextlib.contextmanager
def tab(context: BrowserContext, base: str) -> Iterator[Tab]:
    page = context.new_page()
    made = Tab(page, base)
    page.on("console", lambda message: made.complaints.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: made.complaints.append(str(error)))
    page.on("requestfailed", made.failed)
    yield made
    page.close()
