SELECT
    sum(n) AS calls,
    sumIf(n, @failed) / calls AS failed,
    sum(usd) AS cost,
    sum(input_tokens) AS tokens_in,
    sum(output_tokens) AS tokens_out,
    sum(n_unpriced) AS unpriced
FROM @minutes
