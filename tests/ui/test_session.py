"""Cookies: whose they are, until when, and nobody else's."""

from hypothesis import given
from hypothesis import strategies as st

from tracer.registry.key_format import digest, new_key
from tracer.registry.records import Key
from tracer.ui.session import LASTS_SECONDS, Sessions

SECRET = new_key()
KEY = Key("key_1", "me", digest(SECRET), workspace="w", admin=True)
KEYS = {KEY.sha256: KEY}
sessions = Sessions(b"s" * 32, "auto")


def test_a_login_lasts() -> None:
    cookie = sessions.login(SECRET, KEYS, 1000.0)
    assert cookie
    for now, allowed in ((1000.0, True), (1000.0 + LASTS_SECONDS - 1, True), (1000.0 + LASTS_SECONDS + 1, False)):
        session = sessions.read(cookie, KEYS, now)
        assert session.allowed is allowed
    session = sessions.read(cookie, KEYS, 1000.0)
    assert (session.key_name, session.caller.key_id, session.caller.workspace, session.caller.admin) == (
        "me",
        "key_1",
        "w",
        True,
    )
    assert not session.is_new


def test_nobody_sees_nothing_where_keys_are_asked_for() -> None:
    session = sessions.read("", KEYS, 0.0)
    assert not session.allowed
    assert not session.caller.admin
    open_session = sessions.read("", {}, 0.0)
    assert open_session.allowed
    assert open_session.caller.admin


def test_tokens_are_of_one_session() -> None:
    first, second = sessions.read("", {}, 0.0), sessions.read("", {}, 0.0)
    assert sessions.is_token(first, first.token)
    assert not sessions.is_token(first, second.token)
    kept = sessions.read(sessions.cookie("", first.nonce, 0.0), {}, 1.0)
    assert kept.token == first.token


@given(st.text())
def test_no_text_is_a_cookie_or_a_token(text: str) -> None:
    session = sessions.read(text, KEYS, 0.0)
    assert not session.allowed
    assert session.is_new
    assert not sessions.is_token(session, text)
    assert sessions.login(text, KEYS, 0.0) is None
