"""`python -m tracer.demo`, which is what `make demo` runs."""

import argparse
import importlib.util
import signal
import sys

from tracer.demo.model import INSTALL
from tracer.demo.processes import DemoError


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tracer.demo", description="Tracer in front of a real local model.")
    parser.add_argument("--exit", action="store_true", help="leave when everything has been shown")
    parser.add_argument("--port", type=int, default=8787, help="of the proxy (default: 8787)")
    parser.add_argument("--ui-port", type=int, default=8788, help="of the pages (default: 8788)")
    parser.add_argument("--store-port", type=int, default=8123, help="of the embedded store (default: 8123)")
    parser.add_argument("--model-port", type=int, default=8081, help="of the model (default: 8081)")
    asked = parser.parse_args()
    if importlib.util.find_spec("openai") is None:
        print(f"The demo's packages are not installed: {INSTALL}", file=sys.stderr)
        return 1
    from tracer.demo.run import Ports, demo

    # So that `kill` also ends the children: an exception unwinds the contexts that hold them. SIGINT too, since a shell
    # starts background jobs with it ignored.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.default_int_handler)
    try:
        demo(Ports(asked.model_port, asked.port, asked.ui_port, asked.store_port), stay=not asked.exit)
    except DemoError as problem:
        print(f"\nThe demo failed: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
