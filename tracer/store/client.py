"""The one way to ClickHouse, for everybody: to the server of `TRACER_CLICKHOUSE`, else to the embedded store over HTTP.

Who reads comes by `TRACER_CLICKHOUSE_READER`, where it is set. Either way a reader of a server cannot write: if its user could,
each of its queries is sent with `readonly=2`.

`tracer query` must work while Tracer runs and while it does not: if nothing answers on the store's port, `run_query` opens
the store's directory itself, to read.

Traps
- clickhouse-connect gives every client a session, and a session takes one query at a time: switched off.
- It honours HTTP_PROXY. A proxy cannot reach our 127.0.0.1, so the embedded store gets a pool of its own without one.
- It ignores the DSN's scheme: `https://…` is handed over as `interface`.
- Its limit for an answer is one of silence: a server that works on a statement sends a header every ten seconds, if asked to
  (the driver asks). So a limit beyond that may be short even where statements take long; `patience` sets it for those to come.
- A DSN holds a password, so messages show the address only.
- It logs what it also raises, and puts the URL behind ClickHouse's words: both left out.
"""

import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import clickhouse_connect
from clickhouse_connect.driver.binding import bind_query
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError
from clickhouse_connect.driver.httpclient import HttpClient
from clickhouse_connect.driver.httputil import get_pool_manager
from pydantic import SecretStr
from urllib3.util.timeout import Timeout

from tracer.config import Settings
from tracer.store.errors import QueryFailed, StoreError, StoreLocked, StoreUnavailable, from_engine
from tracer.store.secret import OWN_READER, READER, WRITER, password, reader_password

Pieces = Iterator[bytes]

logging.getLogger("clickhouse_connect.driver._backend").setLevel(logging.ERROR)

_FOR_URL = re.compile(r"\s*\(for url [^()]*\)\s*$")

_CONNECT_SECONDS = 5
# Of silence: for what may take as long as it likes, and for a first question, whose answer is at hand.
_ANSWER_SECONDS = 300
_HELLO_SECONDS = 5
_CHUNK_BYTES = 256 << 10
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}


def connect(settings: Settings, *, write: bool, answer_s: float = _ANSWER_SECONDS) -> Client:
    """A client of the configured ClickHouse, which waits at most `answer_s` for an answer.

    Raises StoreUnavailable with what was tried and what to do.
    """
    if settings.clickhouse is None:
        return embedded(settings, write=write, answer_s=answer_s)
    if write or settings.clickhouse_reader is None:
        client = _server("TRACER_CLICKHOUSE", settings.clickhouse, "or unset it to use the embedded store", answer_s)
    else:
        advice = "or unset it to read as the user of TRACER_CLICKHOUSE"
        client = _server("TRACER_CLICKHOUSE_READER", settings.clickhouse_reader, advice, answer_s)
    if not write:
        _fence(client)
    return client


@contextmanager
def patience(client: Client, answer_s: float = _ANSWER_SECONDS) -> Iterator[None]:
    """Meanwhile `client` waits that long for an answer."""
    assert isinstance(client, HttpClient)
    before = client.timeout
    client.timeout = Timeout(connect=_CONNECT_SECONDS, read=answer_s)
    try:
        yield
    finally:
        client.timeout = before


def _server(name: str, dsn: SecretStr, otherwise: str, answer_s: float) -> Client:
    """A client of the server that the setting `name` means."""
    parts = urlsplit(dsn.get_secret_value())
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise StoreUnavailable(f"{name}: should be http://user:password@host:8123/ (or https)")
    where = f"{parts.scheme}://{parts.hostname}:{parts.port or (8443 if parts.scheme == 'https' else 8123)}/"
    advice = f"check {name}, {otherwise}"
    how = {"dsn": dsn.get_secret_value(), "interface": parts.scheme}
    return _client(f"ClickHouse at {where} ({name})", advice, answer_s, **how)


def is_fenced(client: Client) -> bool:
    """Whether this reader's user could write, and only we keep it from that."""
    assert isinstance(client, HttpClient)
    return "readonly" in client.params


def _fence(client: Client) -> None:
    assert isinstance(client, HttpClient)
    try:
        own = int(str(client.command("SELECT getSetting('readonly')")))
    except ClickHouseError as error:
        raise failed(error, "asking what the reader may do") from error
    # Not for a user with readonly = 1 or 2, who must not change that setting. And as a parameter: the driver would not send a
    # setting that it takes for fixed.
    if own == 0:
        client.params["readonly"] = "2"


def embedded(settings: Settings, *, write: bool, answer_s: float = _ANSWER_SECONDS) -> Client:
    """A client of the embedded store, whatever TRACER_CLICKHOUSE says."""
    return _client(
        f"the embedded store at {address(settings)}",
        "start it with `tracer up`, or set TRACER_CLICKHOUSE to a server",
        answer_s,
        host=_EVERYWHERE.get(settings.host, settings.host),
        port=settings.store_port,
        **_credentials(settings, write),
        pool_mgr=get_pool_manager(),
        compress=False,  # the same machine
    )


def _credentials(settings: Settings, write: bool) -> dict[str, str]:
    if write:
        return {"username": WRITER, "password": password(settings.data_dir)}
    if settings.store_users:
        return {"username": OWN_READER, "password": reader_password(password(settings.data_dir))}
    return {"username": READER, "password": ""}


def address(settings: Settings) -> str:
    """The embedded store's URL."""
    host = _EVERYWHERE.get(settings.host, settings.host)
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.store_port}/"


def run_query(settings: Settings, sql: str, fmt: str | None = None, parameters: Mapping[str, Any] | None = None) -> Pieces:
    """The answer's bytes in format `fmt` (TabSeparated if neither it nor the statement says); `{name:Type}` are bound.

    Raises QueryFailed for a statement that ClickHouse refuses, StoreUnavailable if there is nothing to ask.
    """
    try:
        client = connect(settings, write=False)
    except StoreUnavailable as error:
        if settings.clickhouse is not None:
            raise
        yield _in_process(settings, sql, fmt, parameters or {}, error)
        return
    with client:
        try:
            stream: Any = client.raw_stream(sql, parameters=dict(parameters or {}), fmt=fmt)
            while chunk := stream.read(_CHUNK_BYTES):
                yield chunk
        except ClickHouseError as error:
            raise failed(error, "the query") from error


def fault(settings: Settings) -> str | None:
    """Why the configured ClickHouse cannot be used, or None if it can."""
    try:
        connect(settings, write=True, answer_s=_HELLO_SECONDS).close()
    except StoreError as error:
        return str(error)
    return None


def failed(error: ClickHouseError, doing: str) -> StoreError:
    """What clickhouse-connect raised as ours: QueryFailed if ClickHouse said no, StoreUnavailable if it said nothing."""
    if getattr(error, "code", None) is None:
        return StoreUnavailable(f"{doing}: {error}")
    return from_engine(_FOR_URL.sub("", str(error)))


def _client(where: str, advice: str, answer_s: float, **how: Any) -> Client:
    try:
        return clickhouse_connect.get_client(
            autogenerate_session_id=False,
            connect_timeout=_CONNECT_SECONDS,
            send_receive_timeout=int(answer_s),
            client_name="tracer",
            **how,
        )
    except (ClickHouseError, OSError, ValueError) as error:
        code = getattr(error, "code", None)
        reason = "nothing answers" if code is None else f"it refused: {_FOR_URL.sub('', str(error))}"
        raise StoreUnavailable(f"{where}: {reason}; {advice}") from error


def _in_process(
    settings: Settings, sql: str, fmt: str | None, parameters: Mapping[str, Any], unreachable: StoreUnavailable
) -> bytes:
    """Ask the store's directory itself: nobody has it open."""
    directory = settings.data_dir / "store"
    if not (directory / "metadata").is_dir():
        raise StoreUnavailable(f"{unreachable} ({directory} holds no store yet)")
    # Here, not above: chDB is half a gigabyte to load, and everybody imports this module.
    from tracer.store.engine import Engine

    text, bound = bind_query(sql, dict(parameters), None)
    try:
        engine = Engine(directory, settings.store_memory)
    except StoreLocked as error:
        raise StoreUnavailable(f"{unreachable}; another process has {directory} open, perhaps it is just starting") from error
    try:
        names = {name.removeprefix("param_"): value for name, value in bound.items()}
        return engine.run(str(text), default_format=fmt or "TabSeparated", parameters=names).data
    finally:
        engine.close()


__all__ = [
    "Pieces",
    "QueryFailed",
    "StoreError",
    "StoreUnavailable",
    "address",
    "connect",
    "embedded",
    "failed",
    "fault",
    "is_fenced",
    "patience",
    "run_query",
]
