SELECT
    $__timeInterval(started_at) AS time,
    quantileTDigest(0.5)(upstream_connect_ms) AS p50,
    quantileTDigest(0.95)(upstream_connect_ms) AS p95
FROM llm.calls
WHERE @chosen AND upstream_connect_ms IS NOT NULL
GROUP BY time
ORDER BY time
