"""A disk whose power can be cut: what programs did to a folder is recorded, and any state that a power cut may leave is made.

    with recorded(folder) as disk: …          every write, sync, rename and removal below it is an event
    disk.cut(event, choose, somewhere)         a folder as the disk may hold it if the power goes just then

What may be counted on is what POSIX promises. A file's bytes: as of its last sync. Each page that has changed since, of 512
bytes here, so that small files have several, is the old one or the new one, or zeros if there was none; the length is the old
or the new one. A folder's names: as of its last sync; of what was done to them since (made, removed, renamed) each may have
happened or not.

The real folder plays the part of the operating system's memory; it is looked at around each event. A file is held open from
when it is first seen, so that no other gets its number.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PAGE = 512
SYNCS = ("fsync", "fdatasync")
_HOOKED = (*SYNCS, "pwrite", "write", "ftruncate", "rename", "unlink")
Choose = Callable[[int], int]  # one of so many
Names = dict[str, int]


@dataclass(frozen=True, slots=True)
class Image:
    """The state at one event: bytes by file, old and new; names by folder as of its last sync, and what was done since."""

    old: dict[int, bytes]
    new: dict[int, bytes]
    names: dict[str, Names]
    done: dict[str, tuple[Names, ...]]  # each: name to file, 0 for removed


@dataclass
class Disk:
    """Events so far, and the state at each."""

    root: Path
    events: list[Image] = field(default_factory=list)
    _synced: dict[int, bytes] = field(default_factory=dict)
    _durable: dict[str, Names] = field(default_factory=dict)
    _done: dict[str, list[Names]] = field(default_factory=dict)
    _known: dict[str, Names] = field(default_factory=dict)
    _held: dict[int, int] = field(default_factory=dict)
    _real: dict[str, Callable[..., Any]] = field(default_factory=dict)

    def cut(self, event: int, choose: Choose, where: Path) -> None:
        """Make `where` what this disk may hold if the power goes at this event; `choose` says which of what may be."""
        image = self.events[event]
        where.mkdir()
        self._lay(image, "", choose, where)

    def _lay(self, image: Image, folder: str, choose: Choose, where: Path) -> None:
        names = dict(image.names.get(folder, {}))
        for done in image.done.get(folder, ()):
            if choose(2):
                names.update(done)
        for name, number in names.items():
            inner = f"{folder}/{name}"
            if inner in image.done:
                (where / name).mkdir()
                self._lay(image, inner, choose, where / name)
            elif number:
                (where / name).write_bytes(_torn(image.old.get(number, b""), image.new.get(number, b""), choose))

    def look(self) -> None:
        """Note what has changed since the last look, as an event."""
        for path, folders, files in os.walk(self.root):
            folder = path.removeprefix(str(self.root))
            now = {name: os.lstat(f"{path}/{name}").st_ino for name in (*files, *folders)}
            self._note(folder, {name: now.get(name, 0) for name in {*now, *self._known.get(folder, {})}})
            for name in files:
                if now[name] not in self._held:
                    self._held[now[name]] = os.open(f"{path}/{name}", os.O_RDONLY)
        new = {number: os.pread(held, 1 << 24, 0) for number, held in self._held.items()}
        done = {folder: tuple(what) for folder, what in self._done.items()}
        self.events.append(Image(dict(self._synced), new, {at: dict(names) for at, names in self._durable.items()}, done))

    def _note(self, folder: str, names: Names) -> None:
        known = self._known.setdefault(folder, {})
        done = self._done.setdefault(folder, [])
        done += [{name: number} for name, number in sorted(names.items()) if known.get(name, 0) != number]
        self._known[folder] = {name: number for name, number in names.items() if number}

    def _hooked(self, name: str) -> Callable[..., Any]:
        real = self._real[name]

        def hook(*given: Any, **named: Any) -> Any:
            path = os.readlink(f"/proc/self/fd/{given[0]}") if isinstance(given[0], int) else str(given[0])
            if not path.startswith(str(self.root)):
                return real(*given, **named)
            self.look()
            # The real disk need not be bothered.
            got = self._sync(path, given[0]) if name in SYNCS else real(*given, **named)
            if name == "rename":
                self._renamed(*map(str, given))
            self.look()
            return got

        return hook

    def _renamed(self, source: str, target: str) -> None:
        """Both names change at once, or neither."""
        folder, old = os.path.split(source.removeprefix(str(self.root)))
        new = os.path.basename(target)
        number = self._known[folder].pop(old)
        self._known[folder][new] = number
        self._done[folder].append({old: 0, new: number})

    def _sync(self, path: str, descriptor: int) -> None:
        folder = path.removeprefix(str(self.root))
        if os.path.isdir(path):
            for done in self._done.get(folder, ()):
                self._durable.setdefault(folder, {}).update(done)
            self._done[folder] = []
        else:
            number = os.fstat(descriptor).st_ino
            self._synced[number] = os.pread(self._held[number], 1 << 24, 0)


@contextmanager
def recorded(root: Path) -> Iterator[Disk]:
    """Everything that this process does to `root` while this lasts."""
    disk = Disk(root)
    disk._real = {name: getattr(os, name) for name in _HOOKED}
    try:
        for name in _HOOKED:
            setattr(os, name, disk._hooked(name))
        disk.look()
        yield disk
        disk.look()
    finally:
        for name, real in disk._real.items():
            setattr(os, name, real)
        for held in disk._held.values():
            os.close(held)
        shutil.rmtree(root)


def _torn(old: bytes, new: bytes, choose: Choose) -> bytes:
    if old == new:
        return new
    size = (len(old), len(new))[choose(2)]
    pages = ((old[at : at + PAGE], new[at : at + PAGE])[choose(2)] for at in range(0, size, PAGE))
    return b"".join(page.ljust(PAGE, b"\0") for page in pages)[:size]
