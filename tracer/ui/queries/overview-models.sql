-- The models that cost or answered most.
SELECT
    if(response_model = '', request_model, response_model) AS model,
    provider,
    count() AS calls,
    countIf(outcome NOT IN ('ok', 'cache_hit', 'client_gone')) / calls AS failed,
    sum(cost_usd) AS cost,
    sum(input_tokens) AS input_tokens,
    sum(output_tokens) AS output_tokens,
    quantileTDigest(ttft_ms) AS ttft,
    quantileTDigestIf(duration_ms, outcome = 'ok') AS duration
FROM llm.calls
WHERE started_at >= {since:DateTime64(6, 'UTC')} AND started_at < {until:DateTime64(6, 'UTC')} AND $visible
GROUP BY model, provider
ORDER BY cost DESC NULLS LAST, calls DESC
LIMIT 10
