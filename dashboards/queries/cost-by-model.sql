-- What each model cost since a time, the dearest first; calls whose price is unknown are counted apart.
SELECT
    provider,
    if(response_model = '', request_model, response_model) AS model,
    count() AS calls,
    countIf(cost_usd IS NULL) AS unpriced,
    sum(input_tokens) AS tokens_in,
    sum(cache_read_tokens) AS tokens_from_cache,
    sum(output_tokens) AS tokens_out,
    sum(cost_usd) AS usd,
    sum(saved_usd) AS usd_saved,
    sum(wasted_usd) AS usd_wasted
FROM llm.calls
WHERE started_at >= {since:DateTime}
GROUP BY provider, model
ORDER BY usd DESC NULLS LAST, calls DESC, provider, model
