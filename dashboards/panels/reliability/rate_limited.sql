SELECT
    $__timeInterval(started_at) AS time,
    provider,
    countIf(status_code = 429) AS calls
FROM llm.calls
WHERE @chosen AND provider != ''
GROUP BY time, provider
ORDER BY time, provider
