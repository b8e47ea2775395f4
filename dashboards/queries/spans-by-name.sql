-- The applications' own spans
-- What applications sent themselves, by name: how often, how long, how often it failed.
--
-- Parameters:
--   since DateTime('UTC') = 7d   Spans that began then or later
--   until DateTime('UTC') = now  Up to then, which is not included
--
-- Columns:
--   name LowCardinality(String)  Name
--   type LowCardinality(String)  `TRACER`, `CUSTOM`, …
--   spans UInt64                 Spans
--   traces UInt64                Different traces
--   failed_share Float64         Share with status `ERROR`, 0 to 1
--   duration_p50_ms Float32      Median (ms)
--   duration_p95_ms Float32      95th percentile (ms)
--   open UInt64                  Spans that have not ended, or nobody said so
WITH quantilesTDigest(0.5, 0.95)(duration_ms) AS durations
SELECT
    name,
    type,
    count() AS spans,
    uniqExact(otel_trace_id) AS traces,
    round(countIf(status = 'ERROR') / spans, 4) AS failed_share,
    round(durations[1], 1) AS duration_p50_ms,
    round(durations[2], 1) AS duration_p95_ms,
    countIf(ended_at IS NULL) AS open
FROM llm.spans FINAL
WHERE started_at >= {since:DateTime('UTC')}
    AND started_at < {until:DateTime('UTC')}
GROUP BY name, type
ORDER BY spans DESC, name, type
