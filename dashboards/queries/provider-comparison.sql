-- Providers side by side
-- Failures, speed and price of each provider over the same time.
--
-- Parameters:
--   since DateTime('UTC') = 7d   Calls that began in that minute or later; over more than four days, in that hour or later
--   until DateTime('UTC') = now  Up to then, which is not included
--
-- Columns:
--   provider LowCardinality(String)     Slug of the provider
--   calls UInt64                        Calls
--   models UInt64                       Different models
--   failed_share Float64                Share that failed, 0 to 1; a client that left is no failure
--   timeout_share Float64               Share that timed out, 0 to 1
--   ttft_p50_ms Nullable(Float32)       Time to the first token of streams, median (ms)
--   ttft_p95_ms Nullable(Float32)       The same, 95th percentile (ms)
--   duration_p50_ms Nullable(Float32)   Whole calls, median (ms)
--   duration_p95_ms Nullable(Float32)   The same, 95th percentile (ms)
--   cost_usd Nullable(Decimal(38, 12))  What is known of their cost; NULL if nothing is (USD)
--   usd_per_million Nullable(Float64)   Known cost of a million tokens, input and output together (USD)
WITH
    quantilesTDigestMergeIf(0.5, 0.95, 0.99)(made.ttft_ms, outcome = 'ok') AS firsts,
    quantilesTDigestMergeIf(0.5, 0.95, 0.99)(made.duration_ms, outcome = 'ok') AS durations
SELECT
    provider,
    sum(made.calls) AS calls,
    uniqExact(request_model) AS models,
    round(sumIf(made.calls, outcome NOT IN ('ok', 'cache_hit', 'client_gone')) / calls, 4) AS failed_share,
    round(sumIf(made.calls, outcome = 'timeout') / calls, 4) AS timeout_share,
    if(isNaN(firsts[1]), NULL, round(firsts[1], 1)) AS ttft_p50_ms,
    if(isNaN(firsts[2]), NULL, round(firsts[2], 1)) AS ttft_p95_ms,
    if(isNaN(durations[1]), NULL, round(durations[1], 1)) AS duration_p50_ms,
    if(isNaN(durations[2]), NULL, round(durations[2], 1)) AS duration_p95_ms,
    sum(made.cost_usd) AS cost_usd,
    round(toFloat64(cost_usd) / nullIf(sum(made.input_tokens) + sum(made.output_tokens), 0) * 1000000, 4) AS usd_per_million
FROM
(
    SELECT provider, request_model, response_model, outcome, calls, ttft_ms, duration_ms, cost_usd, input_tokens, output_tokens
    FROM llm.calls_by_minute
    WHERE dateDiff('hour', {since:DateTime('UTC')}, {until:DateTime('UTC')}) <= 96
        AND minute >= toStartOfMinute({since:DateTime('UTC')})
        AND minute < {until:DateTime('UTC')}
    UNION ALL
    SELECT provider, request_model, response_model, outcome, calls, ttft_ms, duration_ms, cost_usd, input_tokens, output_tokens
    FROM llm.calls_by_hour
    WHERE dateDiff('hour', {since:DateTime('UTC')}, {until:DateTime('UTC')}) > 96
        AND hour >= toStartOfHour({since:DateTime('UTC')})
        AND hour < {until:DateTime('UTC')}
) AS made
WHERE provider != ''
GROUP BY provider
ORDER BY calls DESC, provider
