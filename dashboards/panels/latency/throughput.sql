SELECT
    @step AS time,
    @model AS model,
    sum(tokens_out) / sum(busy_ms) * 1000 AS tokens_per_second
FROM @minute_times
WHERE tokens_out > 0
GROUP BY time, model
ORDER BY time, model
