"""The spool: a durable first-in-first-out log between each proxy worker (writer) and the sink (reader).

Four sentences that everything rests on
- Reading does not delete; a record goes when every exporter has taken it, and whole files go at a time.
- One thread writes a log; anybody may read it.
- A record is there once its group commit has been synced; until then nobody was promised anything.
- Whatever is on the disk, opening and reading it again gives the intact records in order, and counts the rest.

Layout, under <data_dir>/spool/<worker>/
    id                     random hex, part of every batch's token: tells this log from one that had its place before
    lock                   held by the writer while it lives
    unfinished             what the writer's process has begun and not ended, if it takes long
    0000000007.log         a segment: records end to end; the highest number is being written

Rooms
    segment.py    what the bytes are: places, records, reading a stretch of a segment
    writer.py     the proxy's half: group commits on a thread of its own
    unfinished.py what a process that died leaves in the log
    reader.py     the sink's half: batches of one segment, and how many records wait
    positions.py  what each exporter has taken, on disk; removal of what all have taken
    durable.py    files and folders that outlast a power cut

Why not SQLite: docs/decisions/0002-segment-log.md.
"""

from pathlib import Path


def spool_dir(data_dir: Path) -> Path:
    """The folder that holds one log per worker."""
    return data_dir / "spool"


def logs(data_dir: Path) -> list[Path]:
    """Every worker's log, also of workers that no longer run: their records are owed all the same."""
    root = spool_dir(data_dir)
    return sorted(path for path in root.iterdir() if path.is_dir()) if root.is_dir() else []
