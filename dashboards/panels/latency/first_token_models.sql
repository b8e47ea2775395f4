SELECT
    @step AS time,
    @model AS model,
    quantilesTDigestMerge(0.5, 0.95, 0.99)(ttft_state)[2] AS p95
FROM @minute_times
GROUP BY time, model
HAVING isFinite(p95)
ORDER BY time, model
