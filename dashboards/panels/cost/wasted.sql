-- What was paid and brought nothing: by how the call ended, and whether it was a retry.
SELECT
    provider,
    outcome,
    if(attempt > 0, 'retry', 'first try') AS try,
    count() AS calls,
    sum(toFloat64(@wasted)) AS wasted,
    sumIf(toFloat64(cost_usd), attempt > 0) AS spent_on_retries,
    sumIf(output_tokens, @wasted > 0) AS tokens
FROM llm.calls
WHERE @chosen AND (@wasted > 0 OR attempt > 0)
GROUP BY provider, outcome, try
ORDER BY wasted DESC NULLS LAST, calls DESC
LIMIT 100
