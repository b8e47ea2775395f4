"""`python -m tracer.child KIND [INDEX]`: one process of `tracer up`: a proxy worker, the sink, the store, or the pages.

Apart from the command line so that a worker does not load what it never uses; a worker answers its first call in half a
second. Standard input is the supervisor's lifeline: when it closes, the supervisor is gone, however it went, and the child
stops as on SIGTERM.

Exit codes: 0 stopped, 2 cannot start as configured (the supervisor does not try again), others: died.
"""

import logging
import os
import signal
import sys
import threading

from tracer.config import ConfigError, Settings, load
from tracer.spool.writer import SpoolInUse

CANNOT_START = 2


def main() -> None:
    """Run the process that the arguments name."""
    kind, index = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 0
    try:
        settings, _ = load()
        log_to_stderr(settings.log_level, kind if kind != "worker" else f"worker {index}")
        threading.Thread(target=_lifeline, name="lifeline", daemon=True).start()
        _run(kind, index, settings)
    except (ConfigError, SpoolInUse) as error:
        sys.stderr.write(f"tracer: {error}\n")
        sys.exit(CANNOT_START)


def log_to_stderr(level: str, name: str) -> None:
    """One line a message, with the process's name."""
    # It announces each retry; what a failure means is said once, by us. By its full name: clickhouse-connect sets `urllib3`.
    logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)
    logging.basicConfig(level=level.upper(), format=f"%(asctime)s %(levelname)-7s {name}: %(message)s", stream=sys.stderr)


def _run(kind: str, index: int, settings: Settings) -> None:
    # Imports here and not above: each process loads only its own part.
    if kind == "worker":
        from tracer.worker import run as run_worker

        run_worker(settings, index)
    elif kind == "sink":
        from tracer.sink.main import run as run_sink

        run_sink(settings)
    elif kind == "ui":
        from tracer.ui.main import run as run_ui

        run_ui(settings)
    else:
        from tracer.store.main import run as run_store

        run_store(settings)


def _lifeline() -> None:
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
