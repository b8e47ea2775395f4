"""Writes that failed: chDB does not look. How it is found out, and what is set right at the next opening.

Where ClickHouse raises when `write` fails (a full disk, a quota, a broken disk), chDB 26.9 and all before it go on: the part
is renamed into place, the insert says "done", and the rows are in a file that is too short or empty. But the failure is
counted, and so:

- engine.xml keeps some space free, so that the engine refuses in time. Others on the same disk may take that too.
- An insert is acknowledged only while no write of this process has failed (Engine.insert). From the first on, nothing is.
- The process then ends (main.py looks every second) and is started anew. Opening, the engine finds parts whose files are
  not as long as they should be, sets them aside (`detached/broken-on-start_…`), and takes what a broken merge was made of
  instead, which is why that is kept for twenty seconds.
- A part of an insert that was set aside was not acknowledged, so its batch comes again; but its token is in the table's
  list, and the batch would be dropped as known. `forget` strikes the token of just that part and table. What else the batch
  had written (other days, roll-ups) is known still and is not doubled.
- A deletion (a mutation, which evens the roll-ups out) is a small file. Written by half it would keep the table from being
  opened, and with it the engine: `cut_off` removes it. Nobody was told that it was done, and who asked for it asks again.

The list is a text file, `1 <part> <token>` a line, and a 2 for the 1 means that the part was dropped: one byte, in its place,
which needs no space. chDB reads a list with a broken line up to there; what it forgets so, the exporter looks up.

Traps
- Numbers of parts are used again: a part that was set aside and dealt with is renamed, or it would stand for a later one.
- Opening writes one file that nobody needs, `status`. On a disk without a byte that fails, and queries shall go on.
"""

import itertools
import json
import logging
import re
from pathlib import Path
from typing import Any

_log = logging.getLogger(__name__)

# How often the process looks whether a write has failed in a merge. What merges were made of is kept for longer (engine.xml).
LOOK_SECONDS = 1.0
ADVICE = "its disk is full, over its quota or broken; the store begins anew and takes nothing until it can write"
_FAILED = "SELECT value FROM system.events WHERE event = 'WriteBufferFromFileDescriptorWriteFailed'"
_SET_ASIDE = """
    SELECT table.database, table.name, table.data_paths[1], groupArray(part.name)
    FROM system.detached_parts AS part
    INNER JOIN system.tables AS table ON table.database = part.database AND table.name = part.table
    WHERE part.reason = 'broken-on-start'
    GROUP BY ALL
"""
# Of an insert: level 0. A second of the same name gets a suffix.
_OF_AN_INSERT = re.compile(rb"broken-on-start_(\S+_\d+_\d+_0)(?:_try\d+)?")
_NEW, _DEALT_WITH = "broken-on-start_", "broken_"
_ADDED, _DROPPED = b"1", b"2"
_MUTATIONS = "store/*/*/mutation_*.txt"
# One line each for the version, the time and the commands, with the newlines in them escaped.
_WHOLE_MUTATION = re.compile(rb"format version: .*\ncommands: .*\n", re.DOTALL)


def failed_writes(connection: Any) -> int:
    """Writes to files that failed in this process since it began, whatever for."""
    return int(connection.query(_FAILED, "TabSeparated").bytes() or 0)


def harmless(connection: Any, directory: Path) -> int:
    """Writes that failed while the engine opened `directory`, and may have."""
    return failed_writes(connection) if (directory / "status").stat().st_size == 0 else 0


def cut_off(directory: Path) -> None:
    """Remove the mutations under `directory` that were written by half. Only while no engine has it open."""
    for path in directory.glob(_MUTATIONS):
        if not _WHOLE_MUTATION.fullmatch(text := path.read_bytes()):
            _log.warning("store: %s was written by half (%r) and is removed: a deletion may not be done everywhere", path, text)
            path.unlink()


def forget(connection: Any) -> bool:
    """Strike the tokens of inserts whose parts were set aside; whether there were any, so that the engine must be reopened."""
    struck = 0
    for line in connection.query(_SET_ASIDE, "JSONCompactEachRow").bytes().splitlines():
        database, table, folder, parts = json.loads(line)
        _log.warning("store: %s.%s: set aside as broken: %s; see %sdetached", database, table, ", ".join(parts), folder)
        inserted = {match[1] for part in parts if (match := _OF_AN_INSERT.fullmatch(part.encode()))}
        for path in Path(folder, "deduplication_logs").glob("*.txt"):
            struck += _strike(path, inserted)
        for part in parts:
            _rename(Path(folder, "detached", part))
    return struck > 0


def _rename(part: Path) -> None:
    """ClickHouse's own prefix for what is just broken, with its suffix for a second of the name."""
    name = part.name.replace(_NEW, _DEALT_WITH, 1)
    tries = (name if number == 0 else f"{name}_try{number}" for number in itertools.count())
    part.rename(next(to for one in tries if not (to := part.with_name(one)).exists()))


def _strike(path: Path, parts: set[bytes]) -> int:
    struck = at = 0
    with path.open("r+b") as file:
        for line in file.read().splitlines(keepends=True):
            kind, _, rest = line.partition(b"\t")
            if kind == _ADDED and rest.partition(b"\t")[0] in parts:
                file.seek(at)
                file.write(_DROPPED)
                struck += 1
            at += len(line)
    return struck
