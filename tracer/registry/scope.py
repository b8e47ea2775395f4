"""Who sees what, and the few things that every list and look-up of the registry has in common.

Workspace "" is a caller's that sees them all. Something of another workspace is not found, in the same words as what does not
exist.
"""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, func, or_, select, true
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.elements import ColumnClause

from tracer.registry import rules, tables
from tracer.registry.rules import NotFound
from tracer.registry.stored import Page

# The number of the change that is under way, for the column `changed`.
THIS_CHANGE = select(tables.revision.c.number).scalar_subquery()


def seen(table: Table, workspace: str) -> ColumnElement[bool]:
    """The rows that a caller of this workspace sees."""
    return table.c.workspace == workspace if workspace else true()


def chosen(own: str, asked: str) -> str:
    """The workspace for something new: the one asked for, if the caller may see it, else the caller's own."""
    if own and asked not in ("", own):
        raise NotFound("workspace")
    return rules.workspace(asked) or own


def containing(column: "ColumnClause[str] | Any", words: str) -> ColumnElement[bool]:
    """Rows whose text contains the words, whatever their case."""
    return column.icontains(words, autoescape=True)


async def one(connection: AsyncConnection, table: Table, workspace: str, key: str, what: str) -> Any:
    """The row of this slug or id."""
    if "\0" in key:  # which PostgreSQL would not even look for
        raise NotFound(what)
    by = [table.c.id == key, *([table.c.slug == key] if "slug" in table.c else [])]
    row = (await connection.execute(select(table).where(or_(*by), seen(table, workspace)))).one_or_none()
    if row is None:
        raise NotFound(what)
    return row


async def paged(connection: AsyncConnection, query: Select[Any], page: Page) -> tuple[int, Iterable[Any]]:
    """How many rows there are, and those of one page."""
    total = int(await connection.scalar(select(func.count()).select_from(query.order_by(None).subquery())) or 0)
    if page.size is not None:
        query = query.limit(page.size).offset(page.number * page.size)
    return total, (await connection.execute(query)).all()
