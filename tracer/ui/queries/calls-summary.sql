-- What stands above the list: how many calls the filters leave, and what they come to.
SELECT
    count() AS calls,
    countIf(outcome NOT IN ('ok', 'cache_hit', 'client_gone')) AS failed,
    sum(cost_usd) AS cost,
    quantileTDigest(0.95)(duration_ms) AS duration_p95
FROM llm.calls
WHERE started_at >= {since:DateTime64(6, 'UTC')} AND started_at < {until:DateTime64(6, 'UTC')} AND $visible AND $filters
