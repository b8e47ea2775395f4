"""Commands on keys: create, list, revoke. Nothing else is done to one: what it may do is fixed when it is made, so that a row's
`key_id` means the same for ever. A secret is in nobody's hands but its holder's; only its hash gets here (key_format.py).

A key is never deleted, since rows name it, and since with `require_key` = auto the proxy is closed for as long as there is one.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row, insert, select, update

from tracer.registry import rules
from tracer.registry.database import Database
from tracer.registry.key_format import digest, new_id, new_key
from tracer.registry.records import Key
from tracer.registry.rules import Invalid
from tracer.registry.tables import keys

LONGEST = 128  # of a tag, as of Portkey's metadata, which tags become
_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")


@dataclass(frozen=True, slots=True)
class Wish:
    """What a new key shall be: see records.Key. Raises Invalid."""

    name: str
    workspace: str = ""
    provider: str = ""
    credential: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    admin: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", rules.name(self.name))
        object.__setattr__(self, "workspace", rules.workspace(self.workspace))
        for what in ("provider", "credential"):
            slug = getattr(self, what).removeprefix("@").lower().replace("_", "-")
            if slug and not _SLUG.fullmatch(slug):
                raise Invalid(f"{what} should be a name such as openai or team-a, not {slug[:LONGEST]!r}")
            object.__setattr__(self, what, slug)
        if self.credential and not self.provider:
            raise Invalid("a credential needs the provider that it is for, or a caller could have it sent to any other")
        for text in (*self.tags, *self.tags.values()):
            if len(text) > LONGEST or not text.isprintable():
                raise Invalid(f"tags are printable and have at most {LONGEST} characters: {text[:LONGEST]!r}")
        if "" in self.tags:
            raise Invalid("a tag needs a name")


@dataclass(frozen=True, slots=True)
class Listed:
    """A key as a list shows it."""

    key: Key
    created_at: str
    revoked_at: str


async def create(database: Database, wish: Wish) -> tuple[Key, str]:
    """A new key and its secret, which is nowhere else from now on."""
    secret = new_key()
    async with database.changing() as connection:
        id = new_id()
        while await connection.scalar(select(keys.c.id).where(keys.c.id == id)):
            id = new_id()
        key = Key(
            id=id,
            name=wish.name,
            sha256=digest(secret),
            workspace=wish.workspace,
            provider=wish.provider,
            credential=wish.credential,
            tags=dict(wish.tags),
            admin=wish.admin,
        )
        await connection.execute(insert(keys).values({column: getattr(key, column) for column in _COLUMNS}))
    return key, secret


async def list_all(database: Database) -> list[Listed]:
    """All keys, revoked ones too, in the order in which they were made."""
    async with database.reading() as connection:
        rows = await connection.execute(select(keys).order_by(keys.c.created_at, keys.c.id))
        return [_listed(row) for row in rows]


async def revoke(database: Database, id: str) -> bool:
    """Revoke a key; a second time changes nothing. False if there is none with this id."""
    async with database.changing() as connection:
        revoked = await connection.scalar(select(keys.c.revoked).where(keys.c.id == id))
        if revoked is False:  # so that `updated_at` stays the time of the first
            await connection.execute(update(keys).where(keys.c.id == id).values(revoked=True))
    return revoked is not None


_COLUMNS = ("id", "name", "sha256", "workspace", "provider", "credential", "tags", "admin", "revoked")


def _listed(row: Row[Any]) -> Listed:
    key = Key(**{column: getattr(row, column) for column in _COLUMNS})
    return Listed(key, created_at=row.created_at, revoked_at=row.updated_at if key.revoked else "")
