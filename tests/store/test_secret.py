import stat
import threading
from pathlib import Path

from tracer.store.secret import password


def test_made_once_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    directory = tmp_path / "not" / "there yet"
    first = password(directory)
    assert len(first) >= 32
    assert password(directory) == first
    assert stat.S_IMODE((directory / "store.secret").stat().st_mode) == 0o600
    assert [file.name for file in directory.iterdir()] == ["store.secret"]


def test_all_who_start_together_agree(tmp_path: Path) -> None:
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(password(tmp_path))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 16
    assert set(found) == {(tmp_path / "store.secret").read_text()}
