"""TRACER_STORE_ALLOW_WRITES: the fences are down, in the process that was started so."""

from pathlib import Path

import pytest

from tracer.store.engine import Engine
from tracer.store.errors import QueryFailed


def test_a_user_may_do_everything_if_the_store_was_started_so(tmp_path: Path) -> None:
    (tmp_path / "canary.csv").write_text("CANARY")
    engine = Engine(tmp_path / "store", 512 << 20, allow_writes=True)
    try:
        engine.run("CREATE TABLE t (a Int8) ENGINE = Memory", read_only=False)
        assert engine.run(f"SELECT file('{tmp_path / 'canary.csv'}')").data == b"CANARY\n"
        with pytest.raises(QueryFailed, match="READONLY"):  # GET still only reads
            engine.run("DROP TABLE t")
    finally:
        engine.close()
