"""What stands around every page: policy, hosts, the login, forms' tokens, and pages for what goes wrong."""

from collections.abc import Callable

import pytest

from tests.store.running import RunningStore
from tests.ui.conftest import OpenPages, Pages
from tracer.config import Settings
from tracer.registry.key_format import digest
from tracer.registry.records import Key, Snapshot
from tracer.ui import held
from tracer.ui.attempts import MOST_ATTEMPTS
from tracer.ui.guard import POLICY, is_known_host
from tracer.ui.session import COOKIE, Sessions

SECRET_KEY = "tr-" + "a" * 33
ADMIN = Key("key_1", "me", digest(SECRET_KEY), admin=True)
REVOKED = Key("key_2", "old", digest("tr-" + "b" * 33), admin=True, revoked=True)


@pytest.fixture
async def locked(store: RunningStore, open_pages: OpenPages) -> Pages:
    """Pages of a registry that holds keys."""
    return await open_pages(store.settings, Snapshot(keys={key.sha256: key for key in (ADMIN, REVOKED)}))


async def log_in(pages: Pages, key: str, status: int = 303, **fields: str) -> None:
    token = (await pages.get("/login")).token
    await pages.post("/login", {"key": key, "token": token, **fields}, status)


@pytest.mark.parametrize("path", ["/", "/calls", "/sql", "/login", "/nothing", "/static/nothing.css", "/health"])
async def test_policy_on_every_reply(empty_pages: Pages, path: str) -> None:
    async with empty_pages.client.get(path, allow_redirects=False) as reply:
        assert reply.headers["Content-Security-Policy"] == POLICY
        assert "unsafe" not in POLICY
        assert "default-src 'none'" in POLICY
        assert reply.headers["X-Content-Type-Options"] == "nosniff"
        assert reply.headers["Cache-Control"] == "no-store"


async def test_static_files_are_kept_for_ever_under_names_of_their_content(empty_pages: Pages) -> None:
    page = await empty_pages.get("/login", 303)
    page = await empty_pages.get("/")
    sheets = [tag.attributes["href"] for tag in page.all("link", rel="stylesheet")]
    scripts = [tag.attributes["src"] for tag in page.all("script")]
    assert sheets
    for path in sheets + scripts:
        async with empty_pages.client.get(path) as reply:
            assert reply.status == 200
            assert "immutable" in reply.headers["Cache-Control"]
            assert reply.content_type in ("text/css", "text/javascript")
    assert await empty_pages.get("/static/tracer.css", 404)


async def test_without_a_login_only_known_hosts(empty_pages: Pages) -> None:
    """A name that leads to 127.0.0.1 could be anybody's (DNS rebinding)."""
    page = await empty_pages.get("/", 421, Host="evil.example:8788")
    assert "TRACER_UI_HOSTS" in page.text
    assert "No calls" not in page.text
    await empty_pages.get("/sql", 421, Host="localhost.evil.example")


@pytest.mark.parametrize(
    ("host", "known"),
    [
        *(("127.0.0.1:8788", True), ("[::1]:8788", True), ("10.1.2.3", True), ("localhost", True), ("LOCALHOST.:8788", True)),
        *(("tracer.localhost", True), ("tracer.corp", True), ("TRACER.corp:80", True), ("evil.example", False), ("", False)),
        *(("127.0.0.1.evil.example", False), ("localhost.evil.example", False), ("a b", False), ("x@127.0.0.1:1", True)),
    ],
)
def test_known_hosts(host: str, known: bool) -> None:
    assert is_known_host(host, ("tracer.corp",)) is known


async def test_named_hosts_and_those_behind_a_login(
    store: RunningStore, open_pages: OpenPages, load_settings: Callable[..., Settings], locked: Pages
) -> None:
    environ = {"TRACER_STORE_PORT": str(store.port), "TRACER_UI_HOSTS": "tracer.corp, other"}
    named = await open_pages(load_settings(**environ))
    await named.get("/", 200, Host="tracer.corp:8788")
    await locked.get("/login", 200, Host="anything.example")


@pytest.mark.parametrize("path", ["/", "/calls", "/calls/rows", "/sql", "/calls?user=x&status=5xx", "/traces/x"])
async def test_every_page_asks_for_the_key(locked: Pages, path: str) -> None:
    async with locked.client.get(path, allow_redirects=False) as reply:
        assert reply.status == 303
        assert reply.headers["Location"].startswith("/login?next=/")
        assert await reply.text() in ("", "303: See Other")


async def test_login_leads_to_the_page_that_was_asked_for(locked: Pages) -> None:
    page = await locked.get("/login?next=%2Fcalls%3Fstatus%3D5xx")
    fields = {"key": f" {SECRET_KEY}\n", "token": page.token, "next": page.one("input", name="next").attributes["value"]}
    async with locked.client.post("/login", data=fields, allow_redirects=False) as reply:
        assert reply.headers["Location"] == "/calls?status=5xx"
        cookie = reply.cookies[COOKIE]
        assert cookie["httponly"]
        assert cookie["samesite"] == "Strict"
        assert not cookie["secure"]
        assert SECRET_KEY not in cookie.value
    page = await locked.get("/calls")
    assert "me" in page.one("span", class_="key").text
    await locked.get("/login", 303)


async def test_cookie_is_secure_behind_https(locked: Pages) -> None:
    async with locked.client.get("/login", headers={"X-Forwarded-Proto": "https"}) as reply:
        assert reply.cookies[COOKIE]["secure"]


@pytest.mark.parametrize(
    "where", ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "", "/\tx", "x"]
)
async def test_login_leads_nowhere_else(locked: Pages, where: str) -> None:
    token = (await locked.get("/login")).token
    fields = {"key": SECRET_KEY, "token": token, "next": where}
    async with locked.client.post("/login", data=fields, allow_redirects=False) as reply:
        assert (reply.status, reply.headers["Location"]) == (303, "/")


@pytest.mark.parametrize("key", ["", "tr-" + "c" * 33, "tr-" + "b" * 33, ADMIN.sha256, "sk-123", "x" * 10_000, "\0"])
async def test_what_is_no_key_does_not_log_in(locked: Pages, key: str) -> None:
    await log_in(locked, key, 401)
    await locked.get("/", 303)


async def test_attempts_are_few(locked: Pages) -> None:
    for _ in range(MOST_ATTEMPTS):
        await log_in(locked, "tr-" + "c" * 33, 401)
    await log_in(locked, "tr-" + "c" * 33, 429)
    await log_in(locked, SECRET_KEY, 429)


async def test_a_revoked_key_is_out_at_once(locked: Pages) -> None:
    await log_in(locked, SECRET_KEY)
    await locked.get("/calls")
    revoked = Key(ADMIN.id, ADMIN.name, ADMIN.sha256, admin=True, revoked=True)
    locked.watcher.current = Snapshot(keys={revoked.sha256: revoked})
    await locked.get("/calls", 303)


async def test_logout(locked: Pages) -> None:
    await log_in(locked, SECRET_KEY)
    page = await locked.get("/calls")
    await locked.post("/logout", {"token": page.token}, 303)
    await locked.get("/calls", 303)


async def test_a_first_key_closes_pages_that_were_open(empty_pages: Pages) -> None:
    await empty_pages.get("/")
    empty_pages.watcher.current = Snapshot(keys={ADMIN.sha256: ADMIN})
    await empty_pages.get("/", 303)


@pytest.mark.parametrize(("required", "status"), [("always", 303), ("auto", 200), ("never", 200)])
async def test_required_means_what_it_means_to_the_proxy(
    store: RunningStore, open_pages: OpenPages, load_settings: Callable[..., Settings], required: str, status: int
) -> None:
    settings = load_settings(TRACER_STORE_PORT=str(store.port), TRACER_REQUIRE_KEY=required)
    await (await open_pages(settings)).get("/sql", status)
    with_keys = await open_pages(settings, Snapshot(keys={ADMIN.sha256: ADMIN}))
    await with_keys.get("/sql", 200 if required == "never" else 303)


@pytest.mark.parametrize("path", ["/sql", "/login", "/logout"])
@pytest.mark.parametrize("token", [None, "", "x", "0" * 64])
async def test_forms_need_their_token(empty_pages: Pages, path: str, token: str | None) -> None:
    await empty_pages.get("/sql")
    fields = {"q": "SELECT 1"} | ({} if token is None else {"token": token})
    page = await empty_pages.post(path, fields, 403)
    assert "form is out of date" in page.text


async def test_a_token_of_another_session_is_none(empty_pages: Pages, open_pages: OpenPages) -> None:
    other = await open_pages(empty_pages.settings)
    token = await other.token()
    await empty_pages.get("/sql")
    await empty_pages.post("/sql", {"q": "SELECT 1", "token": token}, 403)


async def test_a_forged_cookie_is_none(locked: Pages) -> None:
    forged = Sessions(b"another secret", "auto").cookie(ADMIN.sha256, "n", 1e10)
    genuine = Sessions(bytes(32), "auto").cookie(ADMIN.sha256, "n", 1e10)
    text, _, signature = genuine.partition(".")
    for value in (forged, text, f"{text}.", f"{text}.{signature[:-1]}0", f"x{text}.{signature}", "", ".", "ü.ü"):
        async with locked.client.get("/", cookies={COOKIE: value}, allow_redirects=False) as reply:
            assert reply.status == 303, value
    async with locked.client.get("/", cookies={COOKIE: genuine}, allow_redirects=False) as reply:
        assert reply.status == 200


async def test_a_link_from_elsewhere_goes_round_once(locked: Pages) -> None:
    """It comes without the cookie (SameSite=Strict); the page that it gets asks again, from here."""
    page = await locked.get("/calls?status=5xx", 200, **{"Sec-Fetch-Site": "cross-site"})
    assert page.all("meta", http_equiv="refresh")[0].attributes["content"] == "0"
    assert "Calls" not in page.text


async def test_store_away(open_pages: OpenPages, settings: Settings) -> None:
    pages = await open_pages(settings)
    for path in ("/", "/calls", "/calls/rows"):
        page = await pages.get(path, 503)
        assert "The store does not answer" in page.text
        assert "tracer doctor" in page.text
        assert str(settings.store_port) in page.text
    token = await pages.token()
    page = await pages.post("/sql", {"q": "SELECT 1", "token": token}, 503)
    assert "The store does not answer" in page.text


async def test_a_fault_is_told_without_its_words(
    empty_pages: Pages, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(empty_pages.client.app[held.RENDERER], "_environment", None)
    async with empty_pages.client.get("/sql") as reply:
        text = await reply.text()
        assert reply.status == 500
    assert "NoneType" not in text
    assert "failed" in caplog.text


async def test_an_unknown_page(empty_pages: Pages) -> None:
    page = await empty_pages.get("/no/such?<script>", 404)
    assert "There is no such page" in page.text
    page = await empty_pages.post("/calls", {"token": await empty_pages.token()}, 405)
    assert page.text
