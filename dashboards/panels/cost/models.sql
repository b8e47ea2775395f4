SELECT
    provider,
    @model AS model,
    sum(usd) AS cost,
    cost / calls AS per_call,
    sum(n) AS calls,
    sum(input_tokens) AS tokens_in,
    sum(cache_read_tokens) / nullIf(tokens_in, 0) AS from_cache,
    sum(output_tokens) AS tokens_out,
    sum(usd_saved) AS saved,
    sum(usd_wasted) AS wasted
FROM @minutes
GROUP BY provider, model
ORDER BY cost DESC NULLS LAST, calls DESC
LIMIT 200
