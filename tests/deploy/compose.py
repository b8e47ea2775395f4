"""docker-compose.yml as the tests see it: read as Docker Compose reads it where nobody has set a variable."""

import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docker-compose.yml"

_DEFAULTED = re.compile(r"(?<!\$)\$\{(\w+)(?::-([^}]*))?\}")


def compose() -> dict[str, Any]:
    """The file with every `${NAME:-default}` filled in and `$$` as `$`."""
    read: dict[str, Any] = yaml.safe_load(_DEFAULTED.sub(lambda found: found[2] or "", FILE.read_text()))
    return _unescaped(read)  # type: ignore[no-any-return]


def services() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = compose()["services"]
    return found


def variables() -> dict[str, str]:
    """The variables that the file asks for, with their defaults."""
    return {name: default or "" for name, default in _DEFAULTED.findall(FILE.read_text())}


def mounts(service: dict[str, Any]) -> list[tuple[str, str, str]]:
    """What a service mounts: volume or path, place, mode (`rw` or `ro`)."""
    parts = [str(volume).split(":") for volume in service.get("volumes", ())]
    return [(source, place, mode[0] if mode else "rw") for source, place, *mode in parts]


def _unescaped(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _unescaped(held) for key, held in value.items()}
    if isinstance(value, list):
        return [_unescaped(held) for held in value]
    return value.replace("$$", "$") if isinstance(value, str) else value
