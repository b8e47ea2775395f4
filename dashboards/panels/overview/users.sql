SELECT
    user,
    count() AS calls,
    countIf(@failed) / count() AS failed,
    sum(total_tokens) AS tokens,
    sum(toFloat64(cost_usd)) AS cost,
    max(started_at) AS last_call
FROM llm.calls
WHERE @chosen AND user != ''
GROUP BY user
ORDER BY cost DESC NULLS LAST, calls DESC
LIMIT 20
