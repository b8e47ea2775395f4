-- Who counted the tokens of answered calls.
SELECT
    provider,
    usage_source,
    count() AS calls,
    calls / sum(count()) OVER (PARTITION BY provider) AS share,
    countIf(usage_note != '') AS noted,
    sum(total_tokens) AS tokens,
    sum(toFloat64(cost_usd)) AS cost
FROM llm.calls
WHERE @chosen AND operation != '' AND outcome IN ('ok', 'stream_error', 'client_gone')
GROUP BY provider, usage_source
ORDER BY provider, calls DESC
LIMIT 200
