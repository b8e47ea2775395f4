"""A real OpenTelemetry Collector of the image's release, with the components that deploy/collector/config.yaml names.

Its parts are Go modules; the collector project's own builder makes a program of them in .cache/: `make collector`.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.deploy.compose import ROOT

CORE = "go.opentelemetry.io/collector"
CONTRIB = "github.com/open-telemetry/opentelemetry-collector-contrib"
CONFIG = ROOT / "deploy" / "collector" / "config.yaml"
# A component's name in a configuration, and the module that it comes from.
MODULES = {
    "receivers": {"otlp": f"{CORE}/receiver/otlpreceiver"},
    "processors": {
        "memory_limiter": f"{CORE}/processor/memorylimiterprocessor",
        "batch": f"{CORE}/processor/batchprocessor",
    },
    "exporters": {
        "debug": f"{CORE}/exporter/debugexporter",
        "otlp_http": f"{CORE}/exporter/otlphttpexporter",
    },
    "extensions": {"health_check": f"{CONTRIB}/extension/healthcheckextension"},
}


def release() -> str:
    """The version of the image that the service is built from."""
    return (ROOT / "deploy" / "collector" / "Dockerfile").read_text().partition("collector-contrib:")[2].split()[0]


def program() -> Path:
    return ROOT / ".cache" / f"otelcol-{release()}" / "otelcol"


@pytest.fixture(scope="session")
def otelcol() -> Path:
    """The program."""
    if not program().exists():
        pytest.skip("the collector is not built: `make collector` builds it (needs Go, and some minutes)")
    return program()


def build() -> None:
    """Build it. Some minutes on two cores, which is why no test run does it by itself."""
    go = shutil.which("go")
    if go is None:
        sys.exit("collector: there is no Go on PATH to build it with")
    folder = program().parent
    folder.mkdir(parents=True, exist_ok=True)
    components = {kind: [{"gomod": f"{module} v{release()}"} for module in named.values()] for kind, named in MODULES.items()}
    dist = {"name": "otelcol", "module": "tracer.test/otelcol", "output_path": str(folder / "source")}
    (folder / "builder.yaml").write_text(yaml.safe_dump({"dist": dist, **components}))
    subprocess.run([go, "run", f"{CORE}/cmd/builder@v{release()}", "--config", "builder.yaml"], cwd=folder, check=True)
    (folder / "source" / "otelcol").replace(program())
    shutil.rmtree(folder / "source")


if __name__ == "__main__":
    build()
