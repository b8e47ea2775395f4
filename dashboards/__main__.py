"""`python -m dashboards`: write the boards to json/ and the alert rules to provisioning/alerting/."""

from pathlib import Path

from dashboards import alerts
from dashboards.boards import BOARDS
from dashboards.building import document
from dashboards.rule_files import rule_file

HERE = Path(__file__).parent


def files() -> dict[Path, str]:
    """Every file that is written, with its text."""
    boards = {HERE / "json" / f"{board.uid}.json": document(board) for board in BOARDS}
    rules = {HERE / "provisioning" / "alerting" / name: rule_file(group) for name, group in alerts.FILES.items()}
    return boards | rules


def main() -> None:
    for path, text in files().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
