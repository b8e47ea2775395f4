"""The registry's tables.

Invariants: a version's row never changes; what points at versions (`published`, labels) lives beside them. Slugs are unique
over all workspaces, since a call names a prompt by nothing else. `changed` is the registry's revision at the last change, so
that a watcher reads again only what is new (snapshot.py).
Times are ISO 8601 in UTC, as the admin API shows them; both databases sort such texts as times.
Traps: names carry a prefix, for a PostgreSQL may be shared with other programs. JSON is kept as text: PostgreSQL's own types
would reorder keys (jsonb) or read numbers their way.
"""

from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.engine import Dialect

metadata = MetaData()


class Json(TypeDecorator[Any]):
    """A JSON value as text."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str:
        return orjson.dumps(value).decode()

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else orjson.loads(value)


def now() -> str:
    """The time as rows have it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _id() -> Column[str]:
    return Column("id", String(64), primary_key=True)


def _text(name: str, default: str = "") -> Column[str]:
    return Column(name, Text, nullable=False, default=default)


def _times() -> tuple[Column[str], Column[str]]:
    return (
        Column("created_at", String(32), nullable=False, default=now),
        Column("updated_at", String(32), nullable=False, default=now, onupdate=now),
    )


def _slug() -> Column[str]:
    return Column("slug", String(128), nullable=False, unique=True)


def _workspace() -> Column[str]:
    return Column("workspace", String(128), nullable=False, default="", index=True)


# One row; `number` grows with every change of anything below, `schema` with every migration (database.py).
revision = Table(
    "tracer_revision",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("number", Integer, nullable=False),
    Column("schema", Integer, nullable=False),
)

collections = Table(
    "tracer_collections",
    metadata,
    _id(),
    _slug(),
    _text("name"),
    _workspace(),
    Column("parent_id", ForeignKey("tracer_collections.id", ondelete="RESTRICT"), index=True),
    *_times(),
)

prompts = Table(
    "tracer_prompts",
    metadata,
    _id(),
    _slug(),
    _text("name"),
    _workspace(),
    Column("collection_id", ForeignKey("tracer_collections.id", ondelete="RESTRICT"), index=True),
    Column("published", Integer, nullable=False),
    Column("changed", Integer, nullable=False),
    *_times(),
)

prompt_versions = Table(
    "tracer_prompt_versions",
    metadata,
    _id(),
    Column("prompt_id", ForeignKey("tracer_prompts.id", ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False),
    _text("description"),
    _text("string"),
    Column("parameters", Json, nullable=False),
    Column("raw", Boolean, nullable=False, default=False),
    _text("provider"),
    Column("template_metadata", Json, nullable=False),
    Column("tools", Json, nullable=False),
    Column("functions", Json, nullable=False),
    Column("tool_choice", Json, nullable=False),
    Column("created_at", String(32), nullable=False, default=now),
    UniqueConstraint("prompt_id", "number"),
)

labels = Table(
    "tracer_labels",
    metadata,
    _id(),
    _text("name"),
    _text("description"),
    _text("color"),
    _workspace(),
    Column("universal", Boolean, nullable=False, default=False),
    *_times(),
    UniqueConstraint("workspace", "name"),
)

# Which version of a prompt a label is on: one at most.
prompt_labels = Table(
    "tracer_prompt_labels",
    metadata,
    Column("prompt_id", ForeignKey("tracer_prompts.id", ondelete="CASCADE"), primary_key=True),
    Column("label_id", ForeignKey("tracer_labels.id", ondelete="CASCADE"), primary_key=True, index=True),
    Column("number", Integer, nullable=False),
    Column("created_at", String(32), nullable=False, default=now),
)

partials = Table(
    "tracer_partials",
    metadata,
    _id(),
    _slug(),
    _text("name"),
    _workspace(),
    Column("collection_id", ForeignKey("tracer_collections.id", ondelete="RESTRICT"), index=True),
    Column("published", Integer, nullable=False),
    Column("changed", Integer, nullable=False),
    *_times(),
)

partial_versions = Table(
    "tracer_partial_versions",
    metadata,
    _id(),
    Column("partial_id", ForeignKey("tracer_partials.id", ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False),
    _text("description"),
    _text("string"),
    Column("created_at", String(32), nullable=False, default=now),
    UniqueConstraint("partial_id", "number"),
)

configs = Table(
    "tracer_configs",
    metadata,
    _id(),
    _slug(),
    _text("name"),
    _workspace(),
    Column("config", Json, nullable=False),
    Column("is_default", Boolean, nullable=False, default=False),
    _text("version_id"),
    *_times(),
)

keys = Table(
    "tracer_keys",
    metadata,
    _id(),
    _text("name"),
    Column("sha256", String(64), nullable=False, unique=True),
    _workspace(),
    _text("provider"),
    _text("credential"),
    Column("tags", Json, nullable=False),
    Column("admin", Boolean, nullable=False, default=False),
    Column("revoked", Boolean, nullable=False, default=False),
    *_times(),
)
