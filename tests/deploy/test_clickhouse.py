"""ClickHouse's configuration. Its server cannot be installed here, so names and statements are asked of the same release's
engine: names of settings from system.settings and system.server_settings, values by setting them, grants by its parser.

What is no setting but a section (logs, ports) must at least be a word that the engine's library knows.
"""

import mmap
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import chdb
import pytest

from tests.deploy.compose import ROOT, mounts, services
from tracer.api import questions
from tracer.config import Settings
from tracer.store import schema
from tracer.ui import reader
from tracer.ui.app import CONSOLE_SECONDS

FOLDER = ROOT / "deploy" / "clickhouse"
SERVER = ET.parse(FOLDER / "tracer.xml").getroot()
USERS = ET.parse(FOLDER / "users.xml").getroot()
PROFILES: dict[str, ET.Element] = {profile.tag: profile for profile in USERS.iterfind("profiles/*")}
ACCOUNTS: dict[str, ET.Element] = {user.tag: user for user in USERS.iterfind("users/*")}


@pytest.fixture(scope="module")
def engine() -> Iterator[Any]:
    connection = chdb.connect(":memory:")
    yield connection
    connection.close()


@cache
def _library() -> mmap.mmap:
    largest = max(Path(chdb.__file__).parent.glob("*.so"), key=lambda path: path.stat().st_size)
    with largest.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)


def names(engine: Any, table: str) -> set[str]:
    return set(str(engine.query(f"SELECT name FROM system.{table}", "TSV").data()).split())


def test_server_settings_exist(engine: Any) -> None:
    known = names(engine, "server_settings")
    leaves = {element.tag: element.text for element in SERVER if len(element) == 0 and "remove" not in element.attrib}
    assert leaves
    assert leaves.keys() <= known
    assert all(float(text or "") > 0 for text in leaves.values())


def test_sections_are_words_that_clickhouse_knows() -> None:
    sections = {element.tag for element in SERVER if len(element) or "remove" in element.attrib}
    words = sections | {element.tag for section in SERVER for element in section}
    assert {"query_log", "trace_log", "mysql_port", "settings_constraints_replace_previous"} <= words
    ours_not = {"send_crash_reports"}  # the server program's own, which is not in the library
    assert {word for word in words if _library().find(word.encode()) < 0} == ours_not
    assert _library().find(b"no_such_section_log") < 0


def test_profiles_can_be_set(engine: Any) -> None:
    known = names(engine, "settings")
    assert set(PROFILES) == {"default", "tracer", "reader"}
    for profile in PROFILES.values():
        values = {element.tag: element.text for element in profile if element.tag != "constraints"}
        assert values.keys() <= known
        for name, value in values.items():
            if name != "readonly":  # it would lock the connection
                engine.query(f"SELECT 1 SETTINGS {name} = {value}")


def test_what_bounds_a_reader_cannot_be_lifted() -> None:
    """With `readonly` 2 a user may set anything that has no constraint, 0 (no bound) among it."""
    reader = PROFILES["reader"]
    assert reader.findtext("readonly") == "2"
    constraints = reader.find("constraints")
    assert constraints is not None
    spilling = {"max_bytes_before_external_group_by", "max_bytes_before_external_sort"}
    bounds = {element.tag: int(element.text or 0) for element in reader if element.tag.startswith("max_")}
    assert {element.tag for element in constraints} == bounds.keys() - spilling
    for constraint in constraints:
        if constraint.find("const") is None:
            assert int(constraint.findtext("min") or 0) >= 1, constraint.tag
            assert int(constraint.findtext("max") or 0) >= bounds[constraint.tag], constraint.tag


def test_grants_are_statements_and_privileges(engine: Any) -> None:
    for name, account in ACCOUNTS.items():
        for grant in account.findall("grants/query"):
            statement = f"{grant.text} TO {name}"
            assert engine.query(f"SELECT formatQuerySingleLine('{statement}')", "TSVRaw").data().strip() == statement


def test_a_reader_reads_what_is_traced_and_nothing_else() -> None:
    grants = [str(grant.text) for grant in ACCOUNTS["grafana"].findall("grants/query")]
    assert grants[0] == "GRANT SELECT ON llm.*"
    granted = {grant.removeprefix("GRANT SELECT ON system.") for grant in grants[1:]}
    boards = "".join(path.read_text() for path in (ROOT / "dashboards" / "json").glob("*.json"))
    asked = set(re.findall(r"\bsystem\.(\w+)", boards))
    # What drivers and Grafana's editor ask, and the boards; not system.query_log, which holds everybody's statements.
    assert granted == {"databases", "tables", "columns", "functions", "settings"} | asked
    assert "query_log" not in granted
    for name in ("grafana", "tracer_reader"):
        assert ACCOUNTS[name].findtext("profile") == "reader"
        assert [str(grant.text) for grant in ACCOUNTS[name].findall("grants/query")] == grants


def test_the_pages_limits_are_within_the_readers() -> None:
    longest = PROFILES["reader"].find("constraints/max_execution_time")
    assert longest is not None
    for seconds in (reader.LIMIT_SECONDS, questions.LIMIT_SECONDS, CONSOLE_SECONDS):
        assert 1 <= seconds <= int(longest.findtext("max") or 0)


def test_tracer_may_do_what_its_migrations_do(settings: Settings) -> None:
    grants = [grant.text for grant in ACCOUNTS["tracer"].findall("grants/query")]
    assert grants == ["GRANT ALL ON llm.*", "GRANT SELECT ON system.*"]
    statements = [schema.DATABASE, schema.MIGRATIONS]
    statements += [statement for migration in schema.migrations(settings) for statement in migration.statements]
    for statement in statements:
        made = re.match(r"(?:CREATE|ALTER|INSERT INTO|DROP) [A-Z ]*(?:DATABASE|TABLE|VIEW)? ?[A-Z ]*\b([a-z]+)", statement)
        assert made, statement[:80]
        assert made[1] == "llm", statement[:80]


def test_everybody_has_a_password_a_profile_and_a_quota(tmp_path: Path) -> None:
    from deploy.make_secrets import main

    main(tmp_path)
    hashed = {user.tag for users in ET.parse(tmp_path / "clickhouse" / "passwords.xml").getroot() for user in users}
    assert hashed == ACCOUNTS.keys() == {"tracer", "tracer_reader", "grafana"}
    quotas = {quota.tag for quota in USERS.iterfind("quotas/*")}
    for account in ACCOUNTS.values():
        assert not [element.tag for element in account if "password" in element.tag]
        assert account.findtext("profile") in PROFILES
        assert account.findtext("quota") in quotas
        assert account.findtext("networks/ip") == "::/0"


def test_mounted_where_the_server_looks() -> None:
    service = services()["clickhouse"]
    places = {source: place for source, place, _ in mounts(service)}
    assert places["./deploy/clickhouse/tracer.xml"].startswith("/etc/clickhouse-server/config.d/")
    assert places["./deploy/clickhouse/users.xml"] == "/etc/clickhouse-server/users.xml"
    assert places["secrets-clickhouse"] == "/etc/clickhouse-server/users.d"
    # Else the image writes a user `default` into users.d, which is read-only.
    assert service["environment"] == {"CLICKHOUSE_SKIP_USER_SETUP": "1"}


def test_limits_fit_into_the_container() -> None:
    limit = services()["clickhouse"]["deploy"]["resources"]["limits"]["memory"]
    assert limit == "2G"
    usable = 2 * 2**30 * float(SERVER.findtext("max_server_memory_usage_to_ram_ratio") or 0)
    for profile in ("tracer", "reader"):
        assert int(PROFILES[profile].findtext("max_memory_usage") or 0) < usable
    caches = sum(int(element.text or 0) for element in SERVER if element.tag.endswith("_cache_size"))
    assert caches < usable / 2
