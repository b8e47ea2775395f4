-- Of the calls that were tried again, how many got an answer in the end, by provider.
SELECT
    provider,
    count() AS retries,
    countIf(outcome IN ('ok', 'cache_hit')) / count() AS succeeded,
    max(attempt) + 1 AS most_tries,
    sum(duration_ms) / 1000 AS seconds,
    sum(toFloat64(cost_usd)) AS cost
FROM llm.calls
WHERE @chosen AND attempt > 0
GROUP BY provider
ORDER BY retries DESC
