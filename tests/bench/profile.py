"""Flame graphs of a proxy worker and of the sink under load, into docs/pictures: where their time goes.

    python -m tests.bench.profile            profile-proxy-after.svg and profile-sink-after.svg
    python -m tests.bench.profile --suffix before

py-spy reads the stacks of the running process from outside, several hundred times a second, so what runs is the program as it
is shipped. A sample counts the thread that holds the interpreter then: waiting for the network or the disk is not in the
picture, nor what C code does without the interpreter (compression, syncs). Frames are Python functions; what C code they call
(llhttp, msgspec, sends) is part of them. Needs the extra `bench`, nginx and wrk.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from tests.bench import bodies, processes, sink, upstream, worker, wrk

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"
SAMPLES_PER_S = 400
# Paths of this machine that py-spy prints into the picture.
_PLACES = re.compile(r"(?:/[\w.+-]+)+/(?=(?:site-packages|tracer|exporters|tests)/)")


def record(pid: int, seconds: int, picture: Path, title: str) -> None:
    """A flame graph of `pid` over `seconds`, without this machine's paths, and named."""
    spy = Path(sys.executable).with_name("py-spy")
    command = [str(spy) if spy.exists() else "py-spy", "record", "--format", "flamegraph", "--function", "--gil"]
    command += ["--rate", str(SAMPLES_PER_S), "--duration", str(seconds), "--pid", str(pid), "--output", str(picture)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"py-spy failed:\n{done.stderr}")
    drawn = _PLACES.sub("", picture.read_text())
    picture.write_text(re.sub(r"(<text id=\"title\"[^>]*>)[^<]*", rf"\g<1>{title}", drawn))
    print(f"wrote {picture}, {picture.stat().st_size // 1024} kB")


def profile_proxy(place: Path, seconds: int, picture: Path) -> None:
    with (
        upstream.fixed(place / "upstream", upstream.REPLY, wrk.LOAD_CORE) as port,
        worker.tracer_worker(place / "tracer", port, wrk.MEASURED_CORE) as tracer,
    ):
        post = wrk.script(place, tracer, upstream.REQUEST)
        wrk.warm(tracer, post)
        load = threading.Thread(target=wrk.measure, args=(tracer, seconds + 3, post))
        load.start()
        record(tracer.pid, seconds, picture, "A proxy worker under plain calls, capture full, durability fast")
        load.join()


def profile_sink(place: Path, seconds: int, picture: Path) -> None:
    _, found = bodies.bodies("scripted")
    with sink.started(place) as (data_dir, pid, _):
        sink.spool_calls(data_dir, sink.WARM_UP, found)
        while not sink.all_taken(data_dir):
            time.sleep(0.1)
        # About as much as it takes in that time, so that it never waits for work.
        load = threading.Thread(target=sink.spool_calls, args=(data_dir, 5000 * seconds, found))
        load.start()
        record(pid, seconds, picture, "The sink: ClickHouse and OTLP, half of the calls streams")
        load.join()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.profile", description=__doc__)
    parser.add_argument("--seconds", type=int, default=15)
    parser.add_argument("--suffix", default="after")
    parser.add_argument("--into", type=Path, default=PICTURES)
    parser.add_argument("--only", choices=["proxy", "sink"])
    asked = parser.parse_args()
    processes.require("nginx", "wrk")
    if not (Path(sys.executable).with_name("py-spy").exists() or shutil.which("py-spy")):
        sys.exit("this needs py-spy: pip install 'llm-tracer[bench]'")
    asked.into.mkdir(parents=True, exist_ok=True)
    for name, draw in (("proxy", profile_proxy), ("sink", profile_sink)):
        if asked.only in (None, name):
            with tempfile.TemporaryDirectory(prefix="tracer-bench-") as place:
                Path(place).chmod(0o755)
                draw(Path(place), asked.seconds, asked.into / f"profile-{name}-{asked.suffix}.svg")


if __name__ == "__main__":
    main()
