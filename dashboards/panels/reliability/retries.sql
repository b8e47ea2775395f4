SELECT
    @step AS time,
    provider,
    sum(n_retries) AS retries
FROM @minutes
GROUP BY time, provider
HAVING retries > 0
ORDER BY time, provider
