"""`python -m tests.provider --port N`: the scripted provider as a program, for demos and benchmarks."""

import argparse
import asyncio
import signal

import uvloop

from tests.provider.server import Provider


async def serve(port: int) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with Provider.start(port) as provider:
        print(f"provider on {provider.url}", flush=True)
        seen = 0
        # A program that runs for long keeps no record of what it was asked.
        while not stop.is_set():
            seen += _forget(provider)
            try:
                await asyncio.wait_for(stop.wait(), 1)
            except TimeoutError:
                continue
        seen += _forget(provider) + len(provider.requests)
        print(f"{seen} requests on {provider.connections} connections", flush=True)


def _forget(provider: Provider) -> int:
    before = len(provider.requests)
    provider.requests[:] = [request for request in provider.requests if not request.done]
    return before - len(provider.requests)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.provider", description=__doc__)
    parser.add_argument("--port", type=int, default=8900)
    uvloop.run(serve(parser.parse_args().port))


if __name__ == "__main__":
    main()
