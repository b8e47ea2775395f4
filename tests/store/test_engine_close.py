"""Closing the engine: in a module of its own, since a process has one engine path."""

import threading
from pathlib import Path

import pytest

from tests.store.test_engine import MEMORY, create, run_until_ended, value, wait_until_running
from tracer.store.engine import Engine
from tracer.store.errors import StoreUnavailable


def test_close_ends_queries_keeps_rows_and_lets_go(tmp_path: Path) -> None:
    directory = tmp_path / "store"
    engine = Engine(directory, MEMORY)
    create(engine, "llm")
    engine.insert("INSERT INTO llm.t (a, s)", "CSV", b"1,x\n")
    heavy = threading.Thread(target=run_until_ended, args=(engine, "close-marker"))
    heavy.start()
    wait_until_running(engine, "close-marker")
    engine.close()
    heavy.join(30)
    assert not heavy.is_alive()
    with pytest.raises(StoreUnavailable, match="shutting down"):
        engine.run("SELECT 1")
    engine.close()  # again, without harm

    again = Engine(directory, MEMORY)
    assert value(again, "SELECT * FROM llm.t") == "1\tx"
    again.close()
