SELECT
    provider,
    @model AS model,
    price_source AS reason,
    count() AS calls,
    sum(input_tokens) AS tokens_in,
    sum(output_tokens) AS tokens_out,
    min(started_at) AS first_call,
    max(started_at) AS last_call
FROM llm.calls
WHERE @chosen AND @unpriced
GROUP BY provider, model, reason
ORDER BY calls DESC
LIMIT 100
