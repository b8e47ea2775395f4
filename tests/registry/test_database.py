import asyncio
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select, text, update

from tests.postgres import Postgresql
from tracer.config import Settings
from tracer.registry import database as registry_database
from tracer.registry import tables
from tracer.registry.database import SCHEMA, UNIVERSAL_LABELS, Database, Unavailable, revision


async def names(database: Database) -> set[str]:
    async with database.reading() as connection:
        return set(await connection.scalars(select(tables.configs.c.name)))


def config(name: str) -> dict[str, object]:
    return {"id": name, "slug": name, "name": name, "config": {}}


async def test_a_change_counts_the_revision_up_and_reading_does_not(database: Database) -> None:
    async with database.reading() as connection:
        assert await revision(connection) == 0
    async with database.changing() as connection:
        await connection.execute(insert(tables.configs), [config("a")])
    async with database.reading() as connection:
        assert await revision(connection) == 1
    assert await names(database) == {"a"}


async def test_a_change_that_fails_leaves_nothing(database: Database) -> None:
    async def fail() -> None:
        async with database.changing() as connection:
            await connection.execute(insert(tables.configs), [config("a")])
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    assert await names(database) == set()
    async with database.reading() as connection:
        assert await revision(connection) == 0


async def test_changes_look_and_then_write_without_races(registry_settings: Settings, database: Database) -> None:
    other = Database(registry_settings)
    await other.open()

    async def next_one(via: Database) -> None:
        async with via.changing() as connection:
            count = await connection.scalar(select(func.count()).select_from(tables.configs))
            await asyncio.sleep(0)
            await connection.execute(insert(tables.configs), [config(str(count))])

    await asyncio.gather(*(next_one(via) for via in (database, other) * 8))
    assert await names(database) == {str(n) for n in range(16)}
    await other.close()


async def test_a_reader_sees_one_state_while_another_writes(registry_settings: Settings, database: Database) -> None:
    async with database.reading() as connection:
        before = await revision(connection)
        async with database.changing() as writing:
            await writing.execute(insert(tables.configs), [config("new")])
        assert await connection.scalar(select(func.count()).select_from(tables.configs)) == 0
        assert await revision(connection) == before


async def test_processes_that_start_at_once_make_one_schema(registry_settings: Settings, tmp_path: Path) -> None:
    """Separate processes, as workers are."""
    program = (
        "import asyncio, sys\n"
        "from tracer.config import Settings\n"
        "from tracer.registry.database import Database\n"
        "async def run():\n"
        "    database = Database(Settings(data_dir=sys.argv[1], database=sys.argv[2] or None))\n"
        "    await database.open()\n"
        "    async with database.changing():\n"
        "        pass\n"
        "    await database.close()\n"
        "asyncio.run(run())\n"
    )
    url = registry_settings.database.get_secret_value() if registry_settings.database else ""
    started = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", program, str(registry_settings.data_dir), url, stderr=asyncio.subprocess.PIPE
        )
        for _ in range(4)
    ]
    said = [(await process.communicate())[1].decode() for process in started]
    assert said == [""] * 4
    database = Database(registry_settings)
    await database.open()
    async with database.reading() as connection:
        assert await revision(connection) == 4
        assert set(await connection.scalars(select(tables.labels.c.name))) == set(UNIVERSAL_LABELS)
    await database.close()


async def test_migrators_at_once_migrate_once(registry_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    old = Database(registry_settings)
    await old.open()
    await old.close()
    monkeypatch.setattr(registry_database, "SCHEMA", SCHEMA + 1)
    statement = "ALTER TABLE tracer_configs ADD COLUMN added INTEGER NOT NULL DEFAULT 7"  # fails the second time
    monkeypatch.setattr(registry_database, "MIGRATIONS", {SCHEMA: (statement,)})
    new = [Database(registry_settings) for _ in range(4)]
    await asyncio.gather(*(database.open() for database in new))
    async with new[0].changing() as connection:
        await connection.execute(insert(tables.configs), [config("a")])
        assert await connection.scalar(text("SELECT added FROM tracer_configs")) == 7
    for database in new:
        await database.close()


async def test_tables_of_a_newer_version_are_left_alone(registry_settings: Settings, database: Database) -> None:
    async with database.changing() as connection:
        await connection.execute(update(tables.revision).values(schema=SCHEMA + 1))
    other = Database(registry_settings)
    with pytest.raises(Unavailable, match="newer Tracer"):
        await other.open()
    await other.close()


async def test_sqlite_is_for_its_owner_only(settings: Settings) -> None:
    opened = Database(settings)
    await opened.open()
    files = [path for path in settings.data_dir.iterdir() if path.name.startswith("registry.sqlite")]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert {path.name for path in files} >= {"registry.sqlite", "registry.sqlite-wal"}
    await opened.close()


async def test_a_data_dir_with_odd_characters(load_settings: Callable[..., Settings], tmp_path: Path) -> None:
    folder = tmp_path / "a%20b?mode=ro#c d"
    opened = Database(load_settings(TRACER_DATA_DIR=str(folder)))
    await opened.open()
    assert (folder / "registry.sqlite").is_file()
    await opened.close()


async def test_a_database_that_is_not_there(load_settings: Callable[..., Settings], free_port: Callable[[], int]) -> None:
    url = f"postgresql://me:hunter2@127.0.0.1:{free_port()}/tracer"
    with pytest.raises(Unavailable) as raised:
        await Database(load_settings(TRACER_DATABASE=url)).open()
    assert "hunter2" not in str(raised.value)


async def test_a_file_that_is_no_database(settings: Settings) -> None:
    settings.data_dir.mkdir(parents=True)
    (settings.data_dir / "registry.sqlite").write_text("This is no database, whatever its name says. " * 50)
    opened = Database(settings)
    with pytest.raises(Unavailable, match="not a database"):
        await opened.open()
    await opened.close()


async def test_wrong_database_name_and_user(postgresql: Postgresql, load_settings: Callable[..., Settings]) -> None:
    for url in (postgresql.url("no_such_database"), f"postgresql://nobody_here@127.0.0.1:{postgresql.port}/postgres"):
        with pytest.raises(Unavailable, match="does not exist"):
            await Database(load_settings(TRACER_DATABASE=url)).open()


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+asyncpg"])
async def test_urls_as_other_programs_write_them(
    scheme: str, postgresql_url: str, load_settings: Callable[..., Settings]
) -> None:
    url = postgresql_url.replace("postgresql", scheme, 1) + "&sslmode=disable&application_name=tracer"
    opened = Database(load_settings(TRACER_DATABASE=url))
    await opened.open()
    async with opened.reading() as connection:
        assert await connection.scalar(text("SHOW application_name")) == "tracer"
    await opened.close()


async def test_by_unix_socket(postgresql: Postgresql, load_settings: Callable[..., Settings]) -> None:
    url = f"postgresql://{postgresql.user}@/postgres?host={postgresql.folder}&port={postgresql.port}"
    opened = Database(load_settings(TRACER_DATABASE=url))
    async with opened.reading() as connection:
        assert await connection.scalar(text("SELECT inet_client_addr() IS NULL"))
    await opened.close()


async def test_a_database_that_restarted_is_used_again(
    postgresql: Postgresql, postgresql_url: str, load_settings: Callable[..., Settings]
) -> None:
    opened = Database(load_settings(TRACER_DATABASE=postgresql_url))
    await opened.open()
    postgresql.stop()
    with pytest.raises(Unavailable):
        await names(opened)
    postgresql.start()
    assert await names(opened) == set()
    await opened.close()


async def test_a_slow_writer_is_waited_for(settings: Settings) -> None:
    """BEGIN IMMEDIATE with a busy timeout: nobody is told that the database is locked."""
    first, second = Database(settings), Database(settings)
    await first.open()
    async with asyncio.TaskGroup() as group, first.changing():
        waiting = group.create_task(_touch(second))
        await asyncio.sleep(0.1)
        assert not waiting.done()
    assert waiting.done()
    for opened in (first, second):
        await opened.close()


async def _touch(database: Database) -> None:
    async with database.changing():
        pass
