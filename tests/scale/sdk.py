"""Scale's SDKs in the versions that tests name, each in an environment of its own.

scale-gp 0.1.0a58 and 0.1.0a62 are one package with two schemas, so no environment can hold both, and neither need be in
Tracer's own. `sdk("scale-gp==0.1.0a58")` makes `.sdks/scale-gp-0.1.0a58-cp311` by pip, once; `make clean` removes it. The
SDK runs as a program: calls go in as JSON, what came of each comes back as JSON (tests/scale/scripts/call.py).

A test that wants one is skipped only if pip cannot reach its index.
"""

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
KEPT = ROOT / ".sdks"
_SCRIPT = Path(__file__).with_name("scripts") / "call.py"
_UNREACHABLE = re.compile(
    r"connection broken by|Could not fetch URL|name resolution|ProxyError|Read timed out|Connection refused"
)


@dataclass(frozen=True, slots=True)
class Sdk:
    """An installed SDK."""

    python: Path
    package: str  # as it is imported

    async def __call__(self, base_url: str, *calls: dict[str, Any], **client: Any) -> list[dict[str, Any]]:
        """What came of each call: `{"do": "chat.completions.create", "with": {…}}`, in order, by one program.

        With `"async": true` by the asynchronous client. `client` goes to the client's constructor.
        """
        process = await asyncio.create_subprocess_exec(
            self.python, "-I", _SCRIPT, self.package, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        asked = {"client": {"base_url": base_url, "max_retries": 0, **client}, "calls": calls}
        out, err = await process.communicate(json.dumps(asked).encode())
        assert process.returncode == 0, err.decode()
        made: list[dict[str, Any]] = json.loads(out)
        assert len(made) == len(calls)
        return made


def sdk(requirement: str) -> Sdk:
    """The SDK of a pinned requirement, installed if it is not yet."""
    name, _, version = requirement.partition("==")
    made = KEPT / f"{name}-{version}-cp{sys.version_info[0]}{sys.version_info[1]}"
    if not (made / "bin" / "python").exists():
        install([requirement], made)
    return Sdk(made / "bin" / "python", name.replace("-", "_"))


def install(requirements: Sequence[str], to: Path, *, constrained: bool = True) -> None:
    """An environment with these; `constrained` to the versions that Tracer itself is tested with.

    Made beside its place and moved there whole, so a test run that is stopped, or a second one, finds no half of it.
    """
    KEPT.mkdir(exist_ok=True)
    making = Path(tempfile.mkdtemp(dir=KEPT, prefix=f".{to.name}-"))
    try:
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", making], check=True)
        pip = [sys.executable, "-m", "pip", "--python", str(making / "bin" / "python"), "--disable-pip-version-check"]
        arguments = ["install", "--quiet", "--no-input", "--retries", "1", "--timeout", "20", "--only-binary", ":all:"]
        pins = ["--constraint", str(ROOT / "constraints.txt")] if constrained else []
        done = subprocess.run([*pip, *arguments, *pins, *requirements], capture_output=True, text=True, check=False)
        if done.returncode and _UNREACHABLE.search(done.stderr):
            pytest.skip(f"pip cannot reach its index to install {', '.join(requirements)}")
        assert not done.returncode, done.stderr
        shutil.rmtree(to, ignore_errors=True)
        os.rename(making, to)
    finally:
        shutil.rmtree(making, ignore_errors=True)
