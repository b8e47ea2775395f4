SELECT
    metadata[${key:singlequote}] AS value,
    sum(toFloat64(cost_usd)) AS cost,
    cost / count() AS per_call,
    count() AS calls,
    uniq(user) AS users,
    sum(input_tokens) AS tokens_in,
    sum(output_tokens) AS tokens_out,
    sum(toFloat64(saved_usd)) AS saved,
    sum(toFloat64(@wasted)) AS wasted
FROM llm.calls
WHERE @chosen
GROUP BY value
ORDER BY cost DESC NULLS LAST
LIMIT 100
