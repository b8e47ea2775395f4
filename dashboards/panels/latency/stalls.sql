SELECT
    $__timeInterval(started_at) AS time,
    provider,
    countIf(itl_max_ms >= toFloat64OrZero(${stall:sqlstring})) / count() AS stalled
FROM llm.calls
WHERE @chosen AND itl_max_ms IS NOT NULL
GROUP BY time, provider
ORDER BY time, provider
