-- The users that cost or asked most, and in each row how many there are.
SELECT
    user,
    count() AS calls,
    countIf(outcome NOT IN ('ok', 'cache_hit', 'client_gone')) / calls AS failed,
    sum(cost_usd) AS cost,
    sum(total_tokens) AS tokens,
    count() OVER () AS people
FROM llm.calls
WHERE started_at >= {since:DateTime64(6, 'UTC')} AND started_at < {until:DateTime64(6, 'UTC')} AND user != '' AND $visible
GROUP BY user
ORDER BY cost DESC NULLS LAST, calls DESC
LIMIT 10
