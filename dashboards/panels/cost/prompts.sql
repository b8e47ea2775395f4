WITH quantilesTDigestMerge(0.5, 0.95, 0.99)(duration_state) AS whole
SELECT
    prompt_id AS prompt,
    prompt_version AS version,
    sum(usd) AS cost,
    cost / calls AS per_call,
    sum(n) AS calls,
    sumIf(n, @failed) / calls AS failed,
    sum(input_tokens) / calls AS tokens_in,
    sum(output_tokens) / calls AS tokens_out,
    whole[1] AS duration,
    min(first_at) AS first_call,
    max(last_at) AS last_call
FROM @hours
WHERE prompt_id != ''
GROUP BY prompt, version
ORDER BY prompt, toUInt64OrZero(toString(version)) DESC
LIMIT 200
