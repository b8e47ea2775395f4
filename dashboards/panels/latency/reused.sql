SELECT
    $__timeInterval(started_at) AS time,
    countIf(upstream_connect_ms IS NULL) / count() AS reused
FROM llm.calls
WHERE @chosen AND outcome NOT IN ('refused', 'cache_hit')
GROUP BY time
ORDER BY time
