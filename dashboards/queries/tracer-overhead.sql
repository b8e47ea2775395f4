-- What Tracer itself adds
-- The time that Tracer added to calls, by day.
--
-- Parameters:
--   since DateTime('UTC') = 30d  Calls that began in that hour or later
--   until DateTime('UTC') = now  Up to then, which is not included
--
-- Columns:
--   day Date                         Day, UTC
--   calls UInt64                     Calls
--   tracer_p50_us Nullable(Float32)  Median (µs)
--   tracer_p95_us Nullable(Float32)  95th percentile (µs)
--   tracer_p99_us Nullable(Float32)  99th percentile (µs)
WITH quantilesTDigestMerge(0.5, 0.95, 0.99)(made.proxy_us) AS own
SELECT
    toDate(hour) AS day,
    sum(made.calls) AS calls,
    if(isNaN(own[1]), NULL, round(own[1])) AS tracer_p50_us,
    if(isNaN(own[2]), NULL, round(own[2])) AS tracer_p95_us,
    if(isNaN(own[3]), NULL, round(own[3])) AS tracer_p99_us
FROM llm.calls_by_hour AS made
WHERE hour >= toStartOfHour({since:DateTime('UTC')})
    AND hour < {until:DateTime('UTC')}
    AND outcome != 'cache_hit'
GROUP BY day
ORDER BY day
