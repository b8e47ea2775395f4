"""Benchmarks, run by hand (`make bench`): what Tracer costs, beside nginx and other gateways on one machine in one run.

    python -m tests.bench           all that Tracer's speed is held to; --only NAME for some parts (docs/benchmarks.md)
    python -m tests.bench.proxy     CPU microseconds per call of a proxy worker, of nginx's proxy_pass and of plain aiohttp
    python -m tests.bench.sink      CPU microseconds per call of the sink with both exporters
    python -m tests.bench.profile   flame graphs of both

Rooms
- parts, each a function from a Run to figures: calls, latency, streams, open_streams, strict, startup, pipeline, others
- load: wrk (closed loop), loop (callers and upstream in one thread), streaming; what is loaded: worker, whole, upstream, peers/
- results, targets: the records and the bounds; table, chart, page: what is made of them

CPU time and not requests per second where it can be: the load generator, the upstream and Tracer share the machine's cores, so
a rate measures all of them together. Needs Debian's nginx-light and wrk. The test_*.py here are cheap and part of `make test`.
"""
