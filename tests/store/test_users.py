import base64

import pytest
from multidict import CIMultiDict
from pydantic import SecretStr

from tracer import config
from tracer.store.errors import QueryFailed
from tracer.store.secret import reader_password
from tracer.store.users import User, Users


def headers(**values: str) -> CIMultiDict[str]:
    return CIMultiDict({name.replace("_", "-"): value for name, value in values.items()})


def basic(name: str, password: str) -> CIMultiDict[str]:
    return headers(Authorization="Basic " + base64.b64encode(f"{name}:{password}".encode()).decode())


OPEN = Users("pass:word", {})
NAMED = Users("pass:word", {"ada": SecretStr("l0velace"), "default": SecretStr("d")})


@pytest.mark.parametrize(
    ("given", "query"),
    [
        (basic("tracer", "pass:word"), {}),
        (headers(X_ClickHouse_User="tracer", X_ClickHouse_Key="pass:word"), {}),
        (headers(x_clickhouse_user="tracer", x_clickhouse_key="pass:word"), {}),
        (headers(), {"user": "tracer", "password": "pass:word"}),
    ],
)
def test_the_writer_by_every_way_of_saying_so(given: CIMultiDict[str], query: dict[str, str]) -> None:
    for users in (OPEN, NAMED):
        assert users.who(given, query) == User("tracer", internal=True)


@pytest.mark.parametrize("given", [headers(), basic("default", ""), basic("default", "any"), basic("", "")])
def test_everybody_is_a_reader_where_no_users_are_named(given: CIMultiDict[str]) -> None:
    assert OPEN.who(given, {}) == User("default")


def test_named_users_and_nobody_else_can_read() -> None:
    assert NAMED.who(basic("ada", "l0velace"), {}) == User("ada")
    assert NAMED.who(basic("default", "d"), {}) == User("default")
    assert NAMED.who(basic("tracer-reader", reader_password("pass:word")), {}) == User("tracer-reader")
    for given in (headers(), basic("default", ""), basic("ada", "d"), basic("tracer-reader", "pass:word")):
        with pytest.raises(QueryFailed, match="Authentication failed"):
            NAMED.who(given, {})


@pytest.mark.parametrize(
    "given",
    [
        basic("tracer", "wrong"),
        basic("tracer", ""),
        basic("nobody", "pass:word"),
        basic("nobody", ""),
        headers(Authorization="Basic ?"),
        basic("tracer", "é"),
    ],
)
def test_a_wrong_password_and_an_unknown_user_get_the_same_answer(given: CIMultiDict[str]) -> None:
    with pytest.raises(QueryFailed, match="Authentication failed: password is incorrect, or there is no user") as caught:
        OPEN.who(given, {})
    assert (caught.value.code, caught.value.http_status) == (516, 403)


@pytest.mark.parametrize("given", ["ada=", "=secret", "tracer=secret", "tracer-reader=secret", "ada"])
def test_users_that_cannot_be_are_refused_without_a_password_in_the_message(given: str) -> None:
    with pytest.raises(config.ConfigError, match="TRACER_STORE_USERS") as caught:
        config.load({"TRACER_STORE_USERS": given})
    assert "secret" not in str(caught.value)


def test_passwords_are_not_shown() -> None:
    settings, _ = config.load({"TRACER_STORE_USERS": "ada=l0velace"})
    assert "l0velace" not in str(config.shown(settings))
