"""How chDB is told where its tables are and what it must not do: the connection string, and who holds the directory.

Options are settings of the server or of queries. Unknown ones are ignored without a word, so tests/store/test_engine.py asks
for each.
"""

import contextlib
import fcntl
from pathlib import Path
from urllib.parse import quote

from tracer.store.errors import StoreError

_ACCESS = Path(__file__).with_name("access.xml")
ENGINE = Path(__file__).with_name("engine.xml")


def address(directory: Path, memory_bytes: int) -> str:
    """The connection string for `directory`, which is made if it is not there."""
    if "?" in str(directory):
        raise StoreError(f"{directory}: chDB takes no `?` in a path; set TRACER_DATA_DIR to another")
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    with contextlib.suppress(PermissionError):  # somebody else's directory, who says himself who may look into it
        directory.chmod(directory.stat().st_mode & 0o770)  # chDB's files are for everybody to read, and hold what was said
    options = {
        # Named, it is also not looked for in the working directory, where chDB would take any config.xml that lies there.
        "config-file": quote(str(ENGINE)),  # chdb decodes options, and nothing else
        "users_config": quote(str(_ACCESS)),
        "max_server_memory_usage": memory_bytes,
        "session_timezone": "UTC",  # the same answers on every machine, and as a ClickHouse server in a container gives
        "implicit_select": 0,  # clickhouse-local's `1 + 1`: a server calls it a syntax error
        "allow_introspection_functions": 0,
        # The roll-ups' rows are few and heavy, five digests each: by the defaults (163,840 rows, 240 MB) one core merges all.
        "merge_tree_min_rows_for_concurrent_read": 16_384,
        "merge_tree_min_bytes_for_concurrent_read": 4 << 20,
    }
    return f"{directory}?" + "&".join(f"{name}={value}" for name, value in options.items())


def is_locked(directory: Path) -> bool:
    """Whether another process holds the engine's lock; the engine's own message does not say."""
    try:
        with (directory / "status").open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
