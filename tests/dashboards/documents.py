"""The committed boards and rules, as Grafana reads them: the files, not the code that writes them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

import dashboards

ROOT = Path(dashboards.__file__).parent
BOARDS: dict[str, dict[str, Any]] = {
    path.stem: json.loads(path.read_text("utf-8")) for path in sorted((ROOT / "json").glob("*.json"))
}
RULES: dict[str, dict[str, Any]] = {
    rule["uid"]: rule
    for path in sorted((ROOT / "provisioning" / "alerting").glob("*.yaml"))
    for group in yaml.safe_load(path.read_text("utf-8"))["groups"]
    for rule in group["rules"]
}


def panels(board: dict[str, Any]) -> list[dict[str, Any]]:
    """All that is drawn, without headings."""
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def all_panels() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every panel of every board, with its board's uid."""
    for uid, board in BOARDS.items():
        for panel in panels(board):
            yield uid, panel


def variables(board: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The board's variables by name."""
    return {each["name"]: each for each in board["templating"]["list"]}


def sql_of(panel: dict[str, Any]) -> str:
    """The SQL that a panel asks; empty for those that ask Prometheus."""
    return "".join(target.get("rawSql", "") for target in panel["targets"])
