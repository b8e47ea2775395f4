"""The clients of other languages: made ready once, then asked like a function.

Node's packages and the Go program go to .sdks/ (`make clean` removes them), in the versions that stand here and in go/go.mod. A
test is skipped only where Node or Go is missing, or what they load from does not answer.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import node

_HERE = Path(__file__).parent
_NODE_CLIENT = {"@clickhouse/client": "1.23.1"}
_GO = (1, 26)
_UNREACHABLE = re.compile(r"dial tcp|lookup |i/o timeout|connection refused|proxyconnect|TLS handshake|502|503|504")


def by_node(task: Mapping[str, Any]) -> list[Any]:
    """What came of each statement by @clickhouse/client."""
    program, npm = node._of_the_machine() or node._of_a_wheel()
    folder = node.KEPT / "-".join(["clickhouse", *_NODE_CLIENT.values()])

    def install(into: Path) -> None:
        (into / "package.json").write_text(json.dumps({"private": True, "dependencies": _NODE_CLIENT}))
        node._run([*npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(into)])

    node._once(folder, install)
    # As text, so that what it imports is looked for in the folder of the packages.
    return _ask([program, "--input-type=module", "--eval", (_HERE / "client.mjs").read_text()], task, folder)


def by_go(task: Mapping[str, Any]) -> list[Any]:
    """What came of each statement by clickhouse-go."""
    return ask_go(_HERE / "go", "clickhouse-go", task)


def ask_go(source: Path, name: str, task: Mapping[str, Any]) -> list[Any]:
    """What the Go program in the folder `source` answers to a task."""
    made_of = b"".join(file.read_bytes() for file in sorted(source.iterdir()))
    folder = node.KEPT / f"{name}-{hashlib.sha256(made_of).hexdigest()[:16]}"

    def build(into: Path) -> None:
        command = [_go(), "build", "-mod=readonly", "-o", str(into / "client"), "."]
        environ = {**os.environ, "CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOFLAGS": ""}
        built = subprocess.run(command, cwd=source, env=environ, capture_output=True, text=True, timeout=500, check=False)
        if built.returncode and _UNREACHABLE.search(built.stderr):
            pytest.skip("the Go module proxy does not answer")
        if needs := re.search(r"requires go >= [\d.]+", built.stderr):
            pytest.skip(f"{name} {needs[0]}, which is not here")
        assert not built.returncode, built.stderr

    node._once(folder, build)
    return _ask([str(folder / "client")], task, folder)


def _go() -> str:
    program = shutil.which("go") or shutil.which("/usr/local/go/bin/go")
    if program is None:
        pytest.skip("there is no Go on this machine")
    said = subprocess.run([program, "env", "GOVERSION"], capture_output=True, text=True, check=False).stdout
    version = re.match(r"go(\d+)\.(\d+)", said)
    if version is None or (int(version[1]), int(version[2])) < _GO:
        pytest.skip(f"these programs need Go {_GO[0]}.{_GO[1]}, and this is {said.strip()}")
    return program


def _ask(command: list[str], task: Mapping[str, Any], folder: Path) -> list[Any]:
    asked = subprocess.run(
        command,
        cwd=folder,
        env={"PATH": os.environ["PATH"]},
        input=json.dumps(task),
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert asked.returncode == 0, asked.stderr
    answers: list[Any] = json.loads(asked.stdout)
    return answers
