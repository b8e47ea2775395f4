WITH
    quantilesTDigestMerge(0.5, 0.95, 0.99)(ttft_state) AS ttft,
    quantilesTDigestMerge(0.5, 0.95, 0.99)(duration_state) AS whole,
    quantilesTDigestMerge(0.5, 0.95, 0.99)(proxy_state) AS added,
    arrayCumSum(sumForEachMerge(gaps_state)) AS reached
SELECT
    ttft[1] AS first_token_p50,
    ttft[2] AS first_token_p95,
    @gap_p50 AS between_p50,
    @gap_p95 AS between_p95,
    whole[1] AS duration_p50,
    whole[2] AS duration_p95,
    sum(tokens_out) / sum(busy_ms) * 1000 AS tokens_per_second,
    added[1] AS tracer_p50,
    added[3] AS tracer_p99
FROM @minute_times
