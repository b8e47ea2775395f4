WITH quantilesTDigestMerge(0.5, 0.95, 0.99)(ttft_state) AS found
SELECT
    @step AS time,
    found[1] AS p50,
    found[2] AS p95,
    found[3] AS p99
FROM @minute_times
GROUP BY time
ORDER BY time
