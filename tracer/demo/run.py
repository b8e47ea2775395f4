"""All of `make demo`: model, Tracer, calls, and what Tracer knows of them.

Everything happens in `.demo/` of the working directory, which is emptied first, on 127.0.0.1 only. What is printed about the
calls comes from the `tracer` command as a user would run it, so the demo cannot show what a user would not get.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tracer.config import environment
from tracer.demo import tables
from tracer.demo.calls import Made, make_calls
from tracer.demo.model import NAME, Unavailable, weights
from tracer.demo.processes import Child, DemoError, answers, require_free, running

MODEL_READY_S = 120
TRACER_READY_S = 60
ROWS_THERE_S = 60
QUESTIONS = {
    "Cost by model": "cost-by-model",
    "Latency by model": "latency-by-model",
    "How the calls ended": "calls-by-outcome",
}
# The queries look back to a time; the demo's store holds nothing but its own calls.
SINCE = "2000-01-01"


@dataclass(frozen=True, slots=True)
class Ports:
    model: int
    proxy: int
    pages: int
    store: int


def demo(ports: Ports, stay: bool) -> None:
    """Run the demo; stays up until Ctrl-C if `stay`. Raises DemoError."""
    _check(ports)
    place = Path(".demo").absolute()
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    environ = tracer_environment(ports, place / "data")
    with running("the model", ["tracer.demo.model", "--port", str(ports.model)], environ, place / "model.log") as model:
        _step(f"Loading {NAME}, a real language model of 135 million parameters")
        model.wait_until(lambda: answers(ports.model, "/health"), MODEL_READY_S)
        with running("tracer up", ["tracer", "up"], environ, place / "tracer.log") as tracer:
            _step("Starting Tracer: proxy, sink, pages, embedded store")
            tracer.wait_until(lambda: answers(ports.proxy, "/ready") and answers(ports.pages, "/"), TRACER_READY_S)
            _show(ports, environ, tracer)
            if stay:
                print("\nTracer and the model stay up until Ctrl-C.", flush=True)
                _stay(tracer, model)
            _step("Stopping")


def tracer_environment(ports: Ports, data_dir: Path) -> dict[str, str]:
    """The environment of the demo's processes: the user's own, with all of Tracer's settings replaced."""
    return environment(
        TRACER_DATA_DIR=str(data_dir),
        TRACER_PORT=str(ports.proxy),
        TRACER_STORE_PORT=str(ports.store),
        TRACER_UI_PORT=str(ports.pages),
        TRACER_UPSTREAM=f"http://127.0.0.1:{ports.model}/v1",
        TRACER_PRICES=str(Path(__file__).with_name("prices.toml")),
        TRACER_CONFIG=os.devnull,
    )


def _check(ports: Ports) -> None:
    try:
        weights()
    except Unavailable as problem:
        raise DemoError(str(problem)) from None
    require_free(ports.model, "the model", "DEMO_MODEL_PORT=…")
    require_free(ports.proxy, "Tracer's proxy", "DEMO_PORT=…")
    require_free(ports.pages, "Tracer's pages", "DEMO_UI_PORT=…")
    require_free(ports.store, "the embedded store (a ClickHouse server also listens there)", "DEMO_STORE_PORT=…")


def _show(ports: Ports, environ: Mapping[str, str], tracer: Child) -> None:
    base_url = f"http://127.0.0.1:{ports.proxy}/v1"
    _step(f"Calling {base_url} with the OpenAI SDK")
    made = make_calls(base_url, lambda line: print(f"  {line}", flush=True))
    _step(f"Waiting for {made.calls} rows in ClickHouse")
    _wait_for_rows(made, environ, tracer)
    _step(f"The trace {made.trace_id}: tracer trace {made.trace_id}")
    tree = _tracer(environ, "trace", made.trace_id)
    if made.trace_id not in tree:
        raise DemoError(f"tracer trace {made.trace_id} does not show the trace: {tree}")
    print(tree.rstrip(), flush=True)
    for title, query in QUESTIONS.items():
        _step(f"{title}: tracer query @{query}")
        rows = _tracer(environ, "query", f"@{query}", "--format", "JSONCompact", "--since", SINCE)
        if not tables.show(rows):
            raise DemoError(f"tracer query @{query} found no calls")
    _tell(ports, environ, made)


def _wait_for_rows(made: Made, environ: Mapping[str, str], tracer: Child) -> None:
    def there() -> bool:
        count = int(_tracer(environ, "query", "SELECT count() FROM llm.calls", "--format", "TabSeparated"))
        if count > made.calls:
            raise DemoError(f"{made.calls} calls were made, but llm.calls has {count} rows")
        return count == made.calls

    tracer.wait_until(there, ROWS_THERE_S)


def _tell(ports: Ports, environ: Mapping[str, str], made: Made) -> None:
    settings = f"TRACER_DATA_DIR={environ['TRACER_DATA_DIR']} TRACER_STORE_PORT={ports.store}"
    _step("Try it yourself")
    print(
        f"""\
  Pages                    http://127.0.0.1:{ports.pages}
  Proxy (OpenAI API)       http://127.0.0.1:{ports.proxy}/v1
  Health, readiness        http://127.0.0.1:{ports.proxy}/health  /ready
  Metrics (Prometheus)     http://127.0.0.1:{ports.proxy}/metrics
  SQL (ClickHouse's HTTP)  http://127.0.0.1:{ports.store}/?query=SELECT+*+FROM+llm.calls+FORMAT+Vertical

  Any SDK: change its base URL, nothing else.
    Python   OpenAI(base_url="http://127.0.0.1:{ports.proxy}/v1", api_key="…")
    shell    export OPENAI_BASE_URL=http://127.0.0.1:{ports.proxy}/v1
    curl     curl http://127.0.0.1:{ports.proxy}/v1/chat/completions -H 'content-type: application/json' \\
               -d '{{"model": "{NAME}", "messages": [{{"role": "user", "content": "Hello"}}]}}'

  SQL, while Tracer runs and while it does not:
    {settings} tracer query "SELECT span_name, outcome, cost_usd, ttft_ms FROM llm.calls"
    {settings} tracer trace {made.trace_id}""",
        flush=True,
    )


def _stay(tracer: Child, model: Child) -> None:
    try:
        while tracer.process.poll() is None and model.process.poll() is None:
            time.sleep(0.5)
    except KeyboardInterrupt:
        print(flush=True)
        return
    ended = tracer if tracer.process.poll() is not None else model
    raise DemoError(f"{ended.name} ended by itself with exit code {ended.process.returncode}; see {ended.log}")


def _tracer(environ: Mapping[str, str], *arguments: str) -> str:
    """What `tracer ARGUMENTS` prints."""
    done = subprocess.run(
        [sys.executable, "-m", "tracer", *arguments], env=dict(environ), capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip()
        raise DemoError(f"tracer {arguments[0]} ended with exit code {done.returncode}: {said}")
    return done.stdout


def _step(text: str) -> None:
    print(f"\n── {text}", flush=True)
