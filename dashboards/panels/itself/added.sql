SELECT
    $__timeInterval(started_at) AS time,
    quantileTDigest(0.5)(proxy_us) AS p50,
    quantileTDigest(0.95)(proxy_us) AS p95,
    quantileTDigest(0.99)(proxy_us) AS p99
FROM llm.calls
WHERE $__timeFilter(started_at)
GROUP BY time
ORDER BY time
