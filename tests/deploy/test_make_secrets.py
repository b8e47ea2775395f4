"""The passwords: made once, kept, different for each service, complete after any crash."""

import json
import stat
import tomllib
import xml.etree.ElementTree as ET
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

from deploy.make_secrets import NAMES, main
from tests.deploy.compose import mounts, services


def everything(directory: Path) -> dict[str, str]:
    return {str(path.relative_to(directory)): path.read_text() for path in directory.rglob("*") if path.is_file()}


def test_second_run_changes_nothing(tmp_path: Path) -> None:
    main(tmp_path)
    first = everything(tmp_path)
    main(tmp_path)
    assert everything(tmp_path) == first


def test_two_installations_share_nothing(tmp_path: Path) -> None:
    main(tmp_path / "a")
    main(tmp_path / "b")
    ours, theirs = (json.loads((tmp_path / name / "all" / "passwords.json").read_text()) for name in "ab")
    assert set(ours) == set(NAMES)
    assert len({*ours.values(), *theirs.values()}) == 2 * len(NAMES)
    assert all(len(password) >= 48 for password in ours.values())


def test_a_name_that_a_later_version_adds_leaves_the_others(tmp_path: Path) -> None:
    main(tmp_path)
    kept = tmp_path / "all" / "passwords.json"
    before = json.loads(kept.read_text())
    older = {name: password for name, password in before.items() if name != "redis"}
    kept.write_text(json.dumps(older))
    main(tmp_path)
    after = json.loads(kept.read_text())
    assert {name: after[name] for name in older} == older
    assert after["redis"] not in before.values()
    assert after["redis"] in (tmp_path / "tracer" / "tracer.toml").read_text()


def test_a_volume_that_was_lost_is_filled_again(tmp_path: Path) -> None:
    main(tmp_path)
    before = everything(tmp_path)
    (tmp_path / "redis" / "users.acl").unlink()
    (tmp_path / "grafana" / "admin").chmod(0o600)
    (tmp_path / "grafana" / "admin").write_text("half")
    (tmp_path / "tracer" / "tracer.toml.part").write_text("left by a crash")
    main(tmp_path)
    (tmp_path / "tracer" / "tracer.toml.part").unlink()
    assert everything(tmp_path) == before


def test_each_side_of_a_connection_knows_the_same(tmp_path: Path) -> None:
    main(tmp_path)
    kept = json.loads((tmp_path / "all" / "passwords.json").read_text())
    urls = {name: urlsplit(url) for name, url in tomllib.loads((tmp_path / "tracer" / "tracer.toml").read_text()).items()}
    hashed = {
        user.tag: user.findtext("password_sha256_hex")
        for users in ET.parse(tmp_path / "clickhouse" / "passwords.xml").getroot()
        for user in users
    }
    assert hashed == {
        "tracer": sha256((urls["clickhouse"].password or "").encode()).hexdigest(),
        "tracer_reader": sha256((urls["clickhouse_reader"].password or "").encode()).hexdigest(),
        "grafana": sha256((tmp_path / "grafana" / "clickhouse").read_bytes()).hexdigest(),
    }
    assert (urls["clickhouse"].username, urls["clickhouse_reader"].username) == ("tracer", "tracer_reader")
    assert urls["database"].password == (tmp_path / "postgres" / "tracer").read_text()
    assert (
        f"#{sha256((urls['cache_url'].password or '').encode()).hexdigest()} " in (tmp_path / "redis" / "users.acl").read_text()
    )
    assert {url.hostname for url in urls.values()} == {"clickhouse", "postgres", "redis"} <= set(services())
    # No service but those that must know a password in clear has it in clear.
    for name in ("clickhouse", "redis"):
        text = "".join(everything(tmp_path / name).values())
        assert not [password for password in kept.values() if password in text]


def test_modes(tmp_path: Path) -> None:
    main(tmp_path)
    modes = {name: stat.S_IMODE((tmp_path / name).stat().st_mode) for name in everything(tmp_path)}
    assert modes.pop("all/passwords.json") == 0o600
    assert set(modes.values()) == {0o444}  # every service runs as another user, and mounts its own volume only


def test_writes_where_the_services_look(tmp_path: Path) -> None:
    main(tmp_path)
    made = {path.partition("/")[0] for path in everything(tmp_path)}
    assert made == {place.rpartition("/")[2] for source, place, _ in mounts(services()["secrets"]) if source[0] != "."}
    text = str(services())
    for name in ("postgres/superuser", "grafana/admin", "grafana/clickhouse", "tracer/tracer.toml"):
        assert (tmp_path / name).exists()
        assert f"/secrets/{name.partition('/')[2]}" in text
