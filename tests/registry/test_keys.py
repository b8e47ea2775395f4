"""Keys in the registry, on both databases: made once, listed without their secret, revoked for good."""

from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import select

from tracer.registry import keys, tables
from tracer.registry.database import Database, revision
from tracer.registry.key_format import digest
from tracer.registry.keys import Wish
from tracer.registry.rules import Invalid


async def changes(database: Database) -> int:
    async with database.reading() as connection:
        return await revision(connection)


async def test_a_key_is_kept_as_its_hash(database: Database) -> None:
    wish = Wish("search", "team-a", "OpenAI", "OPENAI_SEARCH", {"team": "search", "user": "bot"}, admin=True)
    key, secret = await keys.create(database, wish)
    assert key.sha256 == digest(secret)
    assert (key.name, key.workspace, key.provider, key.credential) == ("search", "team-a", "openai", "openai-search")
    assert (key.tags, key.admin, key.revoked) == ({"team": "search", "user": "bot"}, True, False)
    (listed,) = await keys.list_all(database)
    assert listed.key == key
    assert listed.created_at.startswith("20")
    assert listed.revoked_at == ""
    async with database.reading() as connection:
        for row in await connection.execute(select(tables.keys)):
            assert secret not in str(tuple(row))
            assert secret.removeprefix("tr-") not in str(tuple(row))


async def test_keys_are_listed_as_they_were_made(database: Database) -> None:
    made = [(await keys.create(database, Wish(name)))[0] for name in ("b", "a", "a")]
    assert {listed.key.id for listed in await keys.list_all(database)} == {key.id for key in made}
    assert len({key.id for key in made}) == 3


async def test_revoking_is_for_good_and_leaves_the_key_on_the_list(database: Database) -> None:
    first, _ = await keys.create(database, Wish("first"))
    other, _ = await keys.create(database, Wish("other"))
    before = await changes(database)
    assert await keys.revoke(database, first.id)
    assert await changes(database) == before + 1  # so that every worker hears of it
    by_id = {listed.key.id: listed for listed in await keys.list_all(database)}
    assert by_id[first.id].key.revoked
    when = by_id[first.id].revoked_at
    assert when >= by_id[first.id].created_at
    assert not by_id[other.id].key.revoked
    assert await keys.revoke(database, first.id)
    assert {listed.key.id: listed for listed in await keys.list_all(database)}[first.id].revoked_at == when


async def test_what_is_not_there_cannot_be_revoked(database: Database) -> None:
    key, _ = await keys.create(database, Wish("a"))
    for id in ("", "key_00000000", key.sha256, key.name):
        assert not await keys.revoke(database, id)


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"name": " "}, "name"),
        ({"name": "a" * 300}, "name"),
        ({"name": "a\0b"}, "control"),
        ({"provider": "https://evil"}, "provider"),
        ({"provider": "openai", "credential": "a/b"}, "credential"),
        ({"credential": "team-a"}, "needs the provider"),
        ({"tags": {"": "x"}}, "tag needs a name"),
        ({"tags": {"a": "x" * 129}}, "tags"),
        ({"tags": {"a\n": "x"}}, "tags"),
        ({"workspace": "w" * 200}, "workspace"),
    ],
)
def test_wishes_that_cannot_be_met(wrong: Mapping[str, Any], why: str) -> None:
    with pytest.raises(Invalid, match=why):
        Wish(**{"name": "n", **wrong})
