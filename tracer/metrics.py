"""Counters and gauges of every Tracer process, in Prometheus's terms.

All processes of one `tracer up` share one directory of memory-mapped values (prometheus_client's multiprocess mode), so
`/metrics` on any worker shows the whole: N workers answer on one port, and a scrape reaches whichever the kernel picks.
prometheus_client decides by an environment variable read at import, which the supervisor sets for its children.

docs/metrics.md lists these; tests/test_docs.py checks that none is missing there.
"""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, multiprocess, values

calls = Counter("tracer_calls", "Accepted requests by how they ended.", ["door", "outcome"])
not_http = Counter("tracer_not_a_request", "What never became a request, by reason.", ["reason"])
open_requests = Gauge("tracer_open_requests", "Requests in flight.", multiprocess_mode="livesum")
usage_chunk_kept = Counter(
    "tracer_usage_chunk_kept", "Usage chunks that Tracer asked for and could not take out again, by reason.", ["reason"]
)

cache_calls = Counter("tracer_cache_calls", "Calls that could be answered from the cache, by what it did for them.", ["status"])
cache_errors = Counter(
    "tracer_cache_errors",
    "Uses of the cache's store that failed, by operation and kind; `paused`: not asked, after failures in a row.",
    ["operation", "kind"],
)
cache_not_stored = Counter(
    "tracer_cache_not_stored",
    "Replies that were not cached, by reason: `status` (not 200), `size`, `incomplete` (cut, an error, not JSON), `busy`.",
    ["reason"],
)
cache_evicted = Counter("tracer_cache_evicted", "Cached replies removed because the cache's file was at its bound.")

signals = Counter("tracer_signals", "Feedback and applications' own spans that were accepted, by kind.", ["kind"])

spooled = Counter("tracer_spool_records", "Records written to the spool.")
dropped = Counter("tracer_dropped_records", "Records that were not kept, by reason.", ["reason"])
spool_ok = Gauge(
    "tracer_spool_ok",
    "1 while a worker's last write to its spool worked.",
    ["worker"],  # also because a gauge without labels is 0 in every process that never sets it
    multiprocess_mode="livemin",
)
commit_seconds = Histogram(
    "tracer_spool_commit_seconds",
    "Time of one group commit, fsync included.",
    buckets=(0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 2),
)

redacted = Counter("tracer_redacted", "Places in stored content that were hidden (`TRACER_REDACT`), by kind.", ["kind"])
redaction_failures = Counter(
    "tracer_redaction_failures",
    "Records whose content was not kept, as it could not be searched (`TRACER_REDACT`), by kind of error.",
    ["kind"],
)

exported = Counter(
    "tracer_exported_calls", "Calls, feedback and applications' spans that an exporter has delivered.", ["exporter"]
)
export_failures = Counter(
    "tracer_export_failures", "Batches that an exporter could not deliver, by kind.", ["exporter", "kind"]
)
dead_letters = Counter("tracer_dead_letters", "Records given up and kept aside with their reason.", ["exporter"])
depth = Gauge(
    "tracer_spool_depth",
    "Records that an exporter has not delivered yet.",
    ["exporter"],
    multiprocess_mode="mostrecent",
)
lag_seconds = Gauge(
    "tracer_lag_seconds",
    "Age of the oldest record that an exporter has not delivered.",
    ["exporter"],
    multiprocess_mode="mostrecent",
)
rejected_by_collector = Counter(
    "tracer_rejected_by_collector",
    "Spans or metric points that a collector rejected inside a reply that said success, by signal.",
    ["signal"],
)

registry_failures = Counter(
    "tracer_registry_failures",
    "Times that the registry's database did not answer; prompts, configs and keys stayed as they were.",
)


def exposition() -> bytes:
    """Everything above in Prometheus's text format, summed over the processes when they share a directory."""
    if values.ValueClass.__name__ == "MutexValue":  # a single process, as in tests
        return generate_latest()
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)
