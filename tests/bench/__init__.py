"""Benchmarks, run by hand (`make bench`): what Tracer costs, beside nginx on the same machine in the same run.

    python -m tests.bench.proxy   CPU microseconds per call of a proxy worker, capture full, and of nginx's proxy_pass
    python -m tests.bench.sink    CPU microseconds per call of the sink with both exporters

CPU time and not requests per second: the load generator, the upstream and Tracer share the machine's cores, so a rate would
measure all of them together. Needs Debian's nginx-light and wrk.
"""
