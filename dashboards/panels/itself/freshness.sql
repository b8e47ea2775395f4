SELECT
    dateDiff('second', max(started_at), $__toTime) AS since_last_call,
    countIf(started_at > $__toTime - INTERVAL 1 MINUTE) AS last_minute,
    countIf(truncated) / count() AS truncated,
    quantileTDigest(0.5)(proxy_us) AS added_p50,
    quantileTDigest(0.99)(proxy_us) AS added_p99
FROM llm.calls
WHERE $__timeFilter(started_at)
