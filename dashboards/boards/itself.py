"""Tracer itself: whether calls are kept and delivered, and what Tracer costs those who call through it.

What has not reached the tables cannot be asked of the tables, so the first rows read the metrics of the processes (`/metrics`)
from Prometheus, which must scrape them. The last row is SQL and works without.
"""

from dashboards import links
from dashboards.panel import Board, Column, Kind, Metric, Panel, Row, Unit

_NO_METRICS = "No metrics: Prometheus must scrape /metrics on the proxy's port."
_CHOSEN = '{instance=~"$instance"}'


def _lost(name: str) -> str:
    """What a counter grew by; 0 where it has not appeared yet, and nothing where there are no metrics at all."""
    return f"sum(increase({name}{_CHOSEN}[$__range])) or 0 * min(tracer_spool_ok{_CHOSEN})"


BOARD = Board(
    uid=links.ITSELF,
    title="Tracer / Tracer itself",
    description="Spool, exporters, lost records, cache and what Tracer adds to a call.",
    variables=("prom", "instance"),
    since="now-6h",
    rows=(
        Row(
            "Is anything lost or late? (Prometheus)",
            (
                Panel(
                    title="Spool depth",
                    description="Records that an exporter has not delivered yet. It is 0 or a few when all is well; it grows "
                    "while a database or collector is away, and shrinks when it is back.",
                    kind=Kind.STAT,
                    unit=Unit.COUNT,
                    metrics=(Metric(f"sum by (exporter) (tracer_spool_depth{_CHOSEN})", "{{exporter}}", instant=True),),
                    colors=((1_000, "orange"), (100_000, "red")),
                    no_value=_NO_METRICS,
                    width=5,
                    height=5,
                ),
                Panel(
                    title="Lag",
                    description="Age of the oldest record that an exporter has not delivered: how far the other boards are "
                    "behind.",
                    kind=Kind.STAT,
                    unit=Unit.SECONDS,
                    metrics=(Metric(f"max by (exporter) (tracer_lag_seconds{_CHOSEN})", "{{exporter}}", instant=True),),
                    colors=((10, "orange"), (60, "red")),
                    no_value=_NO_METRICS,
                    width=5,
                    height=5,
                ),
                Panel(
                    title="Records lost",
                    description="Records that were dropped or given up in this time range, for any reason. Must be 0.",
                    kind=Kind.STAT,
                    unit=Unit.COUNT,
                    metrics=(
                        Metric(_lost("tracer_dropped_records_total"), "dropped", instant=True),
                        Metric(_lost("tracer_dead_letters_total"), "dead letters", instant=True),
                    ),
                    colors=((1, "red"),),
                    no_value=_NO_METRICS,
                    width=5,
                    height=5,
                ),
                Panel(
                    title="Spool can be written",
                    description="1 while every worker's last write to its spool worked; 0: calls go through and are not "
                    "recorded.",
                    kind=Kind.STAT,
                    unit=Unit.NONE,
                    metrics=(Metric(f"min(tracer_spool_ok{_CHOSEN})", "all workers", instant=True),),
                    no_value=_NO_METRICS,
                    width=4,
                    height=5,
                ),
                Panel(
                    title="Requests in flight",
                    description="Requests that have been accepted and not yet answered to the end, streams included.",
                    kind=Kind.STAT,
                    unit=Unit.COUNT,
                    metrics=(Metric(f"sum(tracer_open_requests{_CHOSEN})", "open", instant=True),),
                    no_value=_NO_METRICS,
                    width=5,
                    height=5,
                ),
                Panel(
                    title="Spool depth over time",
                    description="Records waiting for each exporter. A line that only rises is a backend that does not take "
                    "them.",
                    kind=Kind.LINES,
                    unit=Unit.COUNT,
                    metrics=(Metric(f"sum by (exporter) (tracer_spool_depth{_CHOSEN})", "{{exporter}}"),),
                    no_value=_NO_METRICS,
                    width=8,
                ),
                Panel(
                    title="Lag over time",
                    description="Age of the oldest record that each exporter has not delivered.",
                    kind=Kind.LINES,
                    unit=Unit.SECONDS,
                    metrics=(Metric(f"max by (exporter) (tracer_lag_seconds{_CHOSEN})", "{{exporter}}"),),
                    no_value=_NO_METRICS,
                    width=8,
                ),
                Panel(
                    title="Dropped and dead",
                    description="Records that were not kept, by reason, and records given up, by exporter. Nothing here is "
                    "the aim.",
                    kind=Kind.BARS,
                    unit=Unit.COUNT,
                    metrics=(
                        Metric(
                            f"sum by (reason) (increase(tracer_dropped_records_total{_CHOSEN}[$__rate_interval]))",
                            "dropped: {{reason}}",
                        ),
                        Metric(
                            f"sum by (exporter) (increase(tracer_dead_letters_total{_CHOSEN}[$__rate_interval]))",
                            "dead: {{exporter}}",
                        ),
                    ),
                    no_value="Nothing was lost, or there are no metrics.",
                    width=8,
                ),
            ),
        ),
        Row(
            "Exporters and spool (Prometheus)",
            (
                Panel(
                    title="Delivered",
                    description="Calls, feedback and spans that each exporter delivered, per second.",
                    kind=Kind.LINES,
                    unit=Unit.PER_SECOND,
                    metrics=(
                        Metric(
                            f"sum by (exporter) (rate(tracer_exported_calls_total{_CHOSEN}[$__rate_interval]))", "{{exporter}}"
                        ),
                    ),
                    no_value=_NO_METRICS,
                    width=8,
                ),
                Panel(
                    title="Failed deliveries",
                    description="Batches that could not be delivered, by exporter and kind; they stay in the spool and are "
                    "tried again.",
                    kind=Kind.BARS,
                    unit=Unit.COUNT,
                    metrics=(
                        Metric(
                            f"sum by (exporter, kind) (increase(tracer_export_failures_total{_CHOSEN}[$__rate_interval]))",
                            "{{exporter}}: {{kind}}",
                        ),
                        Metric(
                            f"sum by (signal) (increase(tracer_rejected_by_collector_total{_CHOSEN}[$__rate_interval]))",
                            "rejected by collector: {{signal}}",
                        ),
                    ),
                    no_value="No delivery failed, or there are no metrics.",
                    width=8,
                ),
                Panel(
                    title="Time of a group commit",
                    description="How long writing to the spool takes, fsync included: half and 99 % of the commits were "
                    "faster. Under `strict` durability replies wait for it.",
                    kind=Kind.LINES,
                    unit=Unit.SECONDS,
                    metrics=tuple(
                        Metric(
                            f"histogram_quantile({share}, sum by (le) "
                            f"(rate(tracer_spool_commit_seconds_bucket{_CHOSEN}[$__rate_interval])))",
                            f"p{round(share * 100)}",
                        )
                        for share in (0.5, 0.99)
                    ),
                    no_value=_NO_METRICS,
                    width=8,
                ),
            ),
        ),
        Row(
            "Requests and cache (Prometheus)",
            (
                Panel(
                    title="Requests by outcome",
                    description="Accepted requests per second by how they ended, as the processes count them: compare with the "
                    "tables' count to see whether all arrived.",
                    kind=Kind.BARS,
                    unit=Unit.PER_SECOND,
                    metrics=(
                        Metric(f"sum by (outcome) (rate(tracer_calls_total{_CHOSEN}[$__rate_interval]))", "{{outcome}}"),
                        Metric(
                            f"sum by (reason) (rate(tracer_not_a_request_total{_CHOSEN}[$__rate_interval]))",
                            "not HTTP: {{reason}}",
                        ),
                    ),
                    no_value=_NO_METRICS,
                    width=12,
                ),
                Panel(
                    title="Cache",
                    description="Calls that could be answered from the cache, by what it did for them, and uses of its store "
                    "that failed.",
                    kind=Kind.BARS,
                    unit=Unit.PER_SECOND,
                    metrics=(
                        Metric(f"sum by (status) (rate(tracer_cache_calls_total{_CHOSEN}[$__rate_interval]))", "{{status}}"),
                        Metric(
                            f"sum by (operation, kind) (rate(tracer_cache_errors_total{_CHOSEN}[$__rate_interval]))",
                            "failed: {{operation}} {{kind}}",
                        ),
                    ),
                    no_value="No call asked for the cache, or there are no metrics.",
                    width=12,
                ),
            ),
        ),
        Row(
            "From the tables (ClickHouse)",
            (
                Panel(
                    title="What has arrived",
                    description="Seconds from the newest call to the end of the time range, calls in its last minute, share "
                    "of calls whose kept body was cut, and what Tracer itself added to a call.",
                    kind=Kind.STAT,
                    unit=Unit.COUNT,
                    sql="itself/freshness",
                    columns={
                        "since_last_call": Column(unit=Unit.SECONDS),
                        "truncated": Column(unit=Unit.SHARE, decimals=2),
                        "added_p50": Column(unit=Unit.MICROSECONDS),
                        "added_p99": Column(unit=Unit.MICROSECONDS),
                    },
                    width=24,
                    height=4,
                ),
                Panel(
                    title="Time that Tracer added",
                    description="Time of a call that was spent in Tracer and not waiting for others: half, 95 % and 99 % of "
                    "the calls had less.",
                    kind=Kind.LINES,
                    unit=Unit.MICROSECONDS,
                    sql="itself/added",
                    width=8,
                ),
                Panel(
                    title="Calls by front door",
                    description="Calls in the tables by the API that they came in by.",
                    kind=Kind.BARS,
                    unit=Unit.COUNT,
                    sql="itself/doors",
                    series=("door",),
                    width=8,
                ),
                Panel(
                    title="Tables",
                    description="Rows and size of Tracer's tables on the ClickHouse that was asked (on a cluster: on that "
                    "node).",
                    kind=Kind.TABLE,
                    unit=Unit.COUNT,
                    sql="itself/tables",
                    no_value="No rows yet, or no right to read system.parts.",
                    columns={
                        "on_disk": Column(unit=Unit.BYTES),
                        "uncompressed": Column(unit=Unit.BYTES),
                        "written_at": Column(unit=Unit.TIME),
                    },
                    width=8,
                ),
            ),
        ),
    ),
)
