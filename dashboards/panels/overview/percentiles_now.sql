WITH
    quantilesTDigestMerge(0.5, 0.95, 0.99)(ttft_state) AS ttft,
    quantilesTDigestMerge(0.5, 0.95, 0.99)(duration_state) AS whole
SELECT
    ttft[1] AS first_token_p50,
    ttft[2] AS first_token_p95,
    whole[1] AS duration_p50,
    whole[2] AS duration_p95
FROM @minute_times
