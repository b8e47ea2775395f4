-- How long the calls that ended well took since a time: whole, to the first token, between tokens, and Tracer's own share.
SELECT
    provider,
    if(response_model = '', request_model, response_model) AS model,
    stream,
    count() AS calls,
    quantileTDigest(0.5)(duration_ms) AS duration_p50_ms,
    quantileTDigest(0.95)(duration_ms) AS duration_p95_ms,
    quantileTDigest(0.5)(ttft_ms) AS ttft_p50_ms,
    quantileTDigest(0.95)(ttft_ms) AS ttft_p95_ms,
    quantileTDigest(0.5)(itl_p50_ms) AS itl_p50_ms_median,
    max(itl_max_ms) AS longest_stall_ms,
    sum(output_tokens) / nullIf(sumIf(duration_ms, output_tokens IS NOT NULL), 0) * 1000 AS tokens_per_second,
    quantileTDigest(0.5)(proxy_us) AS tracer_p50_us,
    quantileTDigest(0.99)(proxy_us) AS tracer_p99_us
FROM llm.calls
WHERE started_at >= {since:DateTime} AND outcome = 'ok'
GROUP BY provider, model, stream
ORDER BY calls DESC, provider, model, stream
