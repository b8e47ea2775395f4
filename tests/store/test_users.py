import base64

import pytest
from multidict import CIMultiDict

from tracer.store import users
from tracer.store.errors import QueryFailed


def headers(**values: str) -> CIMultiDict[str]:
    return CIMultiDict({name.replace("_", "-"): value for name, value in values.items()})


def basic(name: str, password: str) -> CIMultiDict[str]:
    return headers(Authorization="Basic " + base64.b64encode(f"{name}:{password}".encode()).decode())


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
    assert users.is_writer(given, query, "pass:word")


@pytest.mark.parametrize("given", [headers(), basic("default", ""), basic("default", "any"), basic("", "")])
def test_everybody_else_is_a_reader(given: CIMultiDict[str]) -> None:
    assert not users.is_writer(given, {}, "pass:word")


@pytest.mark.parametrize(
    "given",
    [
        basic("tracer", "wrong"),
        basic("tracer", ""),
        basic("nobody", "pass:word"),
        headers(Authorization="Basic ?"),
        basic("tracer", "é"),
    ],
)
def test_a_wrong_password_and_an_unknown_user_get_the_same_answer(given: CIMultiDict[str]) -> None:
    with pytest.raises(QueryFailed, match="Authentication failed: password is incorrect, or there is no user") as caught:
        users.is_writer(given, {}, "pass:word")
    assert (caught.value.code, caught.value.http_status) == (516, 403)
