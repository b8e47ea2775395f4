"""Time from the start of the program to its first answered call, without the store: the median of several starts.

`tracer up` with `TRACER_CLICKHOUSE` naming a server that is not there, so that supervisor, sink and worker start, and the rows
wait in the spool; and the worker's process alone, which is what a restart of a worker takes. A call is tried every 5 ms.
"""

import http.client
import sys
import time
from pathlib import Path

from tests.bench import processes, upstream, worker, wrk
from tests.bench.results import Figure, Run
from tests.ports import free_port

STARTS = 5
_NOWHERE = "http://127.0.0.1:9/"
_PATIENCE_S = 30


def startup(run: Run) -> list[Figure]:
    ways = {"startup": ["tracer", "up"], "startup worker": ["tracer.child", "worker", "0"]}
    took: dict[str, list[float]] = {name: [] for name in ways}
    with upstream.fixed(run.place / "startup-up", upstream.REPLY, wrk.LOAD_CORE) as up:
        for number in range(STARTS):
            for name, module in ways.items():
                took[name].append(_first_answer(run.place / f"start-{number}-{module[0]}", module, up))
            run.say(f"startup   tracer up {took['startup'][-1]:.2f} s, worker alone {took['startup worker'][-1]:.2f} s")
    return [Figure.of(name, seconds, "s") for name, seconds in took.items()]


def _first_answer(place: Path, module: list[str], up: int) -> float:
    port = free_port()
    environ = worker.settings(place, port, up, TRACER_CLICKHOUSE=_NOWHERE, TRACER_LOG_LEVEL="error")
    begin = time.perf_counter()
    with processes.running([sys.executable, "-m", *module], environ, log=place / "log"):
        while not _answered(port):
            if time.perf_counter() > begin + _PATIENCE_S:
                raise SystemExit("Tracer did not answer a call within half a minute of its start")
            time.sleep(0.005)
        return time.perf_counter() - begin


def _answered(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("POST", worker.MODEL_PATH, upstream.REQUEST, {"Content-Type": "application/json"})
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
