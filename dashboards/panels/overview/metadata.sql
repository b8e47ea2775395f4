SELECT
    metadata[${key:singlequote}] AS value,
    count() AS calls,
    countIf(@failed) / count() AS failed,
    uniq(user) AS users,
    sum(total_tokens) AS tokens,
    sum(toFloat64(cost_usd)) AS cost
FROM llm.calls
WHERE @chosen
GROUP BY value
ORDER BY cost DESC NULLS LAST, calls DESC
LIMIT 50
