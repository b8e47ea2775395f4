-- The values of one key of metadata that cost or asked most. Calls without the key have the value ''.
SELECT
    metadata[{by:String}] AS value,
    count() AS calls,
    countIf(outcome NOT IN ('ok', 'cache_hit', 'client_gone')) / calls AS failed,
    sum(cost_usd) AS cost,
    sum(total_tokens) AS tokens,
    quantileTDigestIf(duration_ms, outcome = 'ok') AS duration
FROM llm.calls
WHERE started_at >= {since:DateTime64(6, 'UTC')} AND started_at < {until:DateTime64(6, 'UTC')} AND $visible
GROUP BY value
ORDER BY cost DESC NULLS LAST, calls DESC
LIMIT 15
