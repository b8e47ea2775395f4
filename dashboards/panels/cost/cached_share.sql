SELECT
    @step AS time,
    provider,
    sum(cache_read_tokens) / sum(input_tokens) AS share
FROM @minutes
GROUP BY time, provider
HAVING sum(input_tokens) > 0
ORDER BY time, provider
