"""What must hold before `tracer up` starts anything, so that a mistake is one clear line and not a dying child."""

import contextlib
import fcntl
import os
import socket
from collections.abc import Iterator
from importlib.util import find_spec

from tracer.config import ConfigError, Settings
from tracer.proxy.route import routes
from tracer.sink import price


class AlreadyRunning(Exception):
    """Another Tracer has this data directory."""


@contextlib.contextmanager
def owned_data_dir(settings: Settings) -> Iterator[None]:
    """Hold the data directory for as long as the context lasts. Raises ConfigError or AlreadyRunning."""
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(settings.data_dir / "tracer.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ConfigError(
            f"TRACER_DATA_DIR: {settings.data_dir} cannot be written ({error.strerror}); make it writable or name another"
        ) from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise AlreadyRunning(
            f"another Tracer is running on {settings.data_dir}; stop it, or set TRACER_DATA_DIR and the ports for this one"
        ) from None
    else:
        yield
    finally:
        os.close(lock)


def check(settings: Settings) -> None:
    """Ports free, upstreams and prices usable. Raises ConfigError with one line for each fault."""
    faults = []
    ports = {"TRACER_PORT": settings.port}
    if settings.clickhouse is None:
        ports["TRACER_STORE_PORT"] = settings.store_port
    if settings.ui:
        ports["TRACER_UI_PORT"] = settings.ui_port
    taken: dict[int, str] = {}
    for name, port in ports.items():
        if port in taken:
            faults.append(f"{name}: should differ from {taken[port]}, not be {port} too")
        taken.setdefault(port, name)
    for name, port in ports.items():
        if reason := port_fault(settings.host, port):
            faults.append(f"{name}: {settings.host}:{port} cannot be listened on ({reason}); stop what uses it or set {name}")
    faults += _store_faults(settings)
    for attempt in (lambda: routes(settings), lambda: price.load(settings.prices, settings.litellm_prices)):
        try:
            attempt()
        except (ConfigError, price.PriceError) as error:
            faults.append(str(error))
    if faults:
        raise ConfigError("\n".join(faults))


def _store_faults(settings: Settings) -> list[str]:
    if settings.clickhouse is None and settings.clickhouse_reader is not None:
        return ["TRACER_CLICKHOUSE_READER: should stand beside TRACER_CLICKHOUSE, which says where rows are written"]
    if settings.clickhouse is None and find_spec("chdb") is None:
        return ["TRACER_CLICKHOUSE: should name a server, because no embedded store is installed here (package chdb-core)"]
    return []


def port_fault(host: str, port: int) -> str:
    """Why a port cannot be listened on; empty if it can.

    Bound as the workers bind it, since closed connections of the last run (TIME_WAIT) refuse a plain bind for a minute. That
    would let a second Tracer share the port of the first in silence, so somebody who answers there is looked for too.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            probe.bind(address)
        with socket.socket(family, kind, protocol) as probe:
            probe.settimeout(1.0)
            if probe.connect_ex(address) == 0:
                return "another program answers there"
    except OSError as error:
        return error.strerror or str(error)
    return ""
