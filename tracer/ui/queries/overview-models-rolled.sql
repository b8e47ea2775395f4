-- The same as overview-models.sql, from a roll-up.
SELECT
    if(response_model = '', request_model, response_model) AS model,
    provider,
    sum(made.calls) AS calls,
    sumIf(made.calls, outcome NOT IN ('ok', 'cache_hit', 'client_gone')) / calls AS failed,
    sum(made.cost_usd) AS cost,
    sum(made.input_tokens) AS input_tokens,
    sum(made.output_tokens) AS output_tokens,
    quantilesTDigestMerge(0.5, 0.95, 0.99)(made.ttft_ms)[1] AS ttft,
    quantilesTDigestMergeIf(0.5, 0.95, 0.99)(made.duration_ms, outcome = 'ok')[1] AS duration
FROM $roll_up AS made
WHERE $moment >= {since:DateTime64(6, 'UTC')} AND $moment < {until:DateTime64(6, 'UTC')} AND $visible
GROUP BY model, provider
ORDER BY cost DESC NULLS LAST, calls DESC
LIMIT 10
