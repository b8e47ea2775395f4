SELECT
    provider,
    @model AS model,
    any(price_source) AS reason,
    count() AS calls
FROM llm.calls
WHERE $__timeFilter(started_at) AND @unpriced
GROUP BY provider, model
