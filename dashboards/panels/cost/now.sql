SELECT
    sum(usd) AS cost,
    cost / nullIf(sum(n) - unpriced, 0) AS per_call,
    cost / nullIf(sum(input_tokens) + sum(output_tokens), 0) * 1000000 AS per_million_tokens,
    sum(usd_saved) AS saved,
    sum(usd_wasted) AS wasted,
    wasted / cost AS wasted_share,
    sum(n_unpriced) AS unpriced
FROM @minutes
