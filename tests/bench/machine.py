"""What the figures were taken on: the machine and the programs whose speed is in them. And what is installed for a run."""

import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.bench import processes
from tests.bench.peers import CannotInstall, Peer, Way
from tests.bench.peers.bifrost import BIFROST
from tests.bench.peers.litellm import LITELLM
from tests.bench.peers.portkey import PORTKEY

PEERS: tuple[Peer, ...] = (PORTKEY, LITELLM, BIFROST)
_DEBIAN = {"nginx": "nginx-light", "wrk": "wrk"}


def described() -> dict[str, str]:
    cpu = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    memory = re.search(r"^MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text(), re.MULTILINE)
    return {
        "cpu": cpu.group(1) if cpu else platform.machine(),
        "cores": str(len(processes.CORES)),
        "memory": f"{int(memory.group(1)) / 1e6:.0f} GB" if memory else "",
        "kernel": f"{platform.system()} {platform.release().partition('-')[0]}",
        "python": f"{platform.python_version()} ({platform.python_compiler()})",
        "nginx": _version(["nginx", "-v"]),
        "wrk": _version(["wrk", "-v"]),
        "node": _version(["node", "--version"]),
    }


def _version(command: list[str]) -> str:
    found = shutil.which(command[0], path=processes.search_path())
    if found is None:
        return "absent"
    said = subprocess.run([found, *command[1:]], capture_output=True, text=True, check=False)
    number = re.search(r"\d+\.\d+(\.\d+)?", said.stdout + said.stderr)
    return number.group() if number else "unknown"


def install_from_debian(say: Callable[[str], None]) -> None:
    """nginx and wrk, where they are missing and this is root on Debian. Exits with what to install elsewhere."""
    missing = [package for name, package in _DEBIAN.items() if shutil.which(name, path=processes.search_path()) is None]
    if missing and os.geteuid() == 0 and shutil.which("apt-get"):
        say(f"installing {' and '.join(missing)}")
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update", "-q"], stdout=subprocess.DEVNULL, env=quiet, check=False)
        command = ["apt-get", "install", "-q", "-y", "--no-install-recommends", *missing]
        subprocess.run(command, stdout=subprocess.DEVNULL, env=quiet, check=False)
    processes.require(*_DEBIAN)


def install_peers(say: Callable[[str], None]) -> tuple[dict[str, str], tuple[Way, ...]]:
    """Of each peer what it is here, or why it is not; and the ways to start those that are."""
    told: dict[str, str] = {}
    ways: list[Way] = []
    for peer in PEERS:
        say(f"installing {peer.name} {peer.version}, if it is not there already")
        try:
            peer.install()
        except CannotInstall as reason:
            told[peer.name] = f"not installed: {reason}"
            say(f"{peer.name}: {told[peer.name]}")
        else:
            logs = "; ".join(f"{way.name.rpartition(', ')[2]}: {way.log}" for way in peer.ways)
            told[peer.name] = f"{peer.version}; {logs}"
            ways += peer.ways
    return told, tuple(ways)


def command_line() -> str:
    return " ".join(["python", "-m", "tests.bench", *sys.argv[1:]])
