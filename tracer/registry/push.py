"""`tracer prompts push` and `pull`: a folder of files against the registry.

A push is one transaction, so it is all or nothing, and a dry run is the same transaction rolled back: what it says is what
would happen. A new version is made only where a file differs from the newest one. What is in the registry and in no file stays.

Trap: a new prompt's first version is published whatever its file says; without a published version it could not be called.
"""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncConnection

from tracer.registry import folder, labels, rules, versioned
from tracer.registry.database import Database
from tracer.registry.folder import Entry, FileError, same_content
from tracer.registry.rules import NotFound, Refusal
from tracer.registry.stored import Item, Page, Version
from tracer.registry.versioned import NEWEST, PARTIAL, PROMPT, Kind


@dataclass(frozen=True, slots=True)
class Done:
    """One thing that a push did, or would do."""

    slug: str
    what: str


class _Undo(Exception):
    """Rolls the transaction back, and its count of the revision with it."""


async def push(database: Database, path: Path, workspace: str, *, dry_run: bool = False) -> list[Done]:
    """Bring the registry to what the files say. Raises FileError."""
    prompts, partials = folder.read_folder(path)
    done: list[Done] = []
    try:
        async with database.changing() as connection:
            # Partials first: prompts name them.
            for kind, entries in ((PARTIAL, partials), (PROMPT, prompts)):
                for file, entry in entries:
                    try:
                        done += await _push_one(connection, kind, workspace, entry)
                    except Refusal as error:
                        raise FileError(f"{file}: {error}") from None
            if dry_run or not done:
                raise _Undo
    except _Undo:
        pass
    return done


async def pull(database: Database, path: Path, workspace: str) -> list[Path]:
    """Write a file for each prompt and partial; the files that changed."""
    written = []
    async with database.reading() as connection:
        for kind, place in ((PARTIAL, path / folder.PARTIALS), (PROMPT, path)):
            _, found = await versioned.listed(connection, kind, workspace, Page())
            for item, _ in found:
                file = place / f"{item.slug}.toml"
                if folder.write_file(file, await _entry(connection, kind, item), partial=kind is PARTIAL):
                    written.append(file)
    return written


async def _entry(connection: AsyncConnection, kind: Kind, item: Item) -> Entry:
    newest = await versioned.version(connection, kind, item.id, NEWEST)
    on = await labels.on_versions(connection, [item.id]) if kind is PROMPT else {}
    names = tuple(label.name for label in on.get((item.id, newest.number), ())) or None
    publish = item.published == newest.number
    return Entry(item.slug, item.name, newest.content, publish, names, newest.description)


async def _push_one(connection: AsyncConnection, kind: Kind, workspace: str, entry: Entry) -> list[Done]:
    done: list[str] = []
    try:
        item = await versioned.find(connection, kind, workspace, entry.slug)
    except NotFound:
        item, newest = await versioned.create(
            connection,
            kind,
            rules.workspace(workspace),
            entry.name,
            entry.content,
            description=entry.description,
            slug=entry.slug,
        )
        done.append("created, version 1 published")
    else:
        newest = await versioned.version(connection, kind, item.id, NEWEST)
        if item.name != entry.name:
            await versioned.touch(connection, kind, item.id, name=entry.name)
            done.append(f"renamed to {entry.name!r}")
        if not same_content(newest.content, entry.content):
            newest = await versioned.add_version(connection, kind, item, entry.content, entry.description)
            done.append(f"version {newest.number}")
        if entry.publish and item.published != newest.number:
            await versioned.publish(connection, kind, item, newest.number)
            done.append(f"version {newest.number} published")
    if kind is PROMPT and entry.labels is not None:
        done += await _push_labels(connection, item, newest, entry.labels)
    return [Done(entry.slug, what) for what in done]


async def _push_labels(connection: AsyncConnection, item: Item, newest: Version, wanted: tuple[str, ...]) -> list[str]:
    """Put the labels on the newest version, and take off it those that the file does not name."""
    done = []
    on = (await labels.on_versions(connection, [item.id])).get((item.id, newest.number), [])
    if gone := [label for label in on if label.name not in wanted]:
        await labels.take_off(connection, item, newest.number, [label.id for label in gone])
        done += [f"label {label.name!r} off version {newest.number}" for label in gone]
    there = [label.name for label in on]
    for name in wanted:
        if name in there:
            continue
        label = await labels.named(connection, item.workspace, name)
        if label is None:
            label = await labels.create(connection, item.workspace, name)
            done.append(f"label {name!r} created")
        await labels.put(connection, item, newest.number, label)
        done.append(f"label {name!r} on version {newest.number}")
    return done
