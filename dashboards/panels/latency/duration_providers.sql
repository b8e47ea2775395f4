SELECT
    @step AS time,
    provider,
    quantilesTDigestMerge(0.5, 0.95, 0.99)(duration_state)[2] AS p95
FROM @minute_times
GROUP BY time, provider
HAVING isFinite(p95)
ORDER BY time, provider
