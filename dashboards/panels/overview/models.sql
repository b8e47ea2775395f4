SELECT
    provider,
    @model AS model,
    sum(n) AS calls,
    sumIf(n, @failed) / calls AS failed,
    sum(input_tokens) AS tokens_in,
    sum(output_tokens) AS tokens_out,
    sum(usd) AS cost,
    sum(n_unpriced) AS unpriced
FROM @minutes
GROUP BY provider, model
ORDER BY cost DESC NULLS LAST, calls DESC
LIMIT 50
