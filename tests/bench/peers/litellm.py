"""LiteLLM's proxy, from PyPI, in a virtual environment of its own; one worker, no database.

"on": its OpenTelemetry callback, spans with messages sent to an endpoint that takes any batch. "off": no callback. What it can
keep in PostgreSQL (its spend logs) is off both times: that is another server, and would be charged to it.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.bench import processes, upstream, wrk
from tests.bench.peers import CACHE, CannotInstall, Peer, Way, last_line
from tests.bench.worker import Program
from tests.ports import free_port

VERSION = "1.106.2"
_PLACE = CACHE / f"litellm-{VERSION}"
_COMMAND = _PLACE / "bin" / "litellm"
_CONFIG = """\
model_list:
  - model_name: gpt-4o-mini
    litellm_params: {{model: openai/gpt-4o-mini, api_base: "http://127.0.0.1:{up}/v1", api_key: sk-0123}}
general_settings: {{disable_spend_logs: true, dangerously_permit_weak_or_unset_master_key: true}}
litellm_settings: {{telemetry: false{callbacks}}}
"""


def install() -> None:
    done_mark = _PLACE / "installed"
    if done_mark.exists():
        return
    packages = [f"litellm[proxy]=={VERSION}", "opentelemetry-sdk", "opentelemetry-exporter-otlp"]
    for command in (
        [sys.executable, "-m", "venv", str(_PLACE)],
        [str(_PLACE / "bin" / "python"), "-m", "pip", "install", "--disable-pip-version-check", "--quiet", *packages],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise CannotInstall(f"pip install failed: {last_line(done.stderr or done.stdout)}")
    done_mark.touch()


@contextmanager
def _started(name: str, place: Path, up: int, spans: bool) -> Iterator[Program]:
    port = free_port()
    place.mkdir(parents=True)
    config = place / "litellm.yaml"
    config.write_text(_CONFIG.format(up=up, callbacks=', callbacks: ["otel"]' if spans else ""))
    environ = {
        **processes.environ(),
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_LOG": "ERROR",
        "PYTHONWARNINGS": "ignore",
    }
    with ExitStack() as stack:
        if spans:
            collector = stack.enter_context(upstream.takes_all(place / "collector", wrk.LOAD_CORE))
            environ |= {"OTEL_EXPORTER": "otlp_http", "OTEL_ENDPOINT": f"http://127.0.0.1:{collector}/v1/traces"}
        command = [str(_COMMAND), "--config", str(config), "--host", "127.0.0.1", "--port", str(port), "--num_workers", "1"]
        child = stack.enter_context(processes.running(command, environ, wrk.MEASURED_CORE, place / "log"))
        processes.wait_for(lambda: processes.answers(port, "/health/liveliness"), child, 180)
        yield Program(name, child.pid, port)


LITELLM = Peer(
    "LiteLLM's proxy",
    VERSION,
    install,
    (
        Way(
            "LiteLLM's proxy, log on",
            "OpenTelemetry callback",
            lambda *at: _started("LiteLLM's proxy, log on", *at, spans=True),
        ),
        Way("LiteLLM's proxy, log off", "off", lambda *at: _started("LiteLLM's proxy, log off", *at, spans=False)),
    ),
)
