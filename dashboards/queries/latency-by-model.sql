-- Latency by model
-- How long the calls that were answered took, with each model: whole, to the first token, between tokens, and Tracer's
-- own share.
--
-- Parameters:
--   since DateTime('UTC') = 7d   Calls that began in that minute or later; over more than four days, in that hour or later
--   until DateTime('UTC') = now  Up to then, which is not included
--   model String = ''            Only this model, as asked for or as answered; empty for all
--   provider String = ''         Only this provider; empty for all
--
-- Columns:
--   provider LowCardinality(String)   Slug of the provider
--   model String                      Model that was asked for
--   calls UInt64                      Calls
--   streams UInt64                    Of these, streams
--   duration_p50_ms Float32           Whole calls, median (ms)
--   duration_p95_ms Float32           The same, 95th percentile (ms)
--   duration_p99_ms Float32           The same, 99th percentile (ms)
--   ttft_p50_ms Nullable(Float32)     Time to the first token of streams, median (ms)
--   ttft_p95_ms Nullable(Float32)     The same, 95th percentile (ms)
--   ttft_p99_ms Nullable(Float32)     The same, 99th percentile (ms)
--   gap_p50_ms Nullable(Float64)      Gap between two tokens, median, at most 19 % too high (ms)
--   gap_p95_ms Nullable(Float64)      The same, 95th percentile (ms)
--   longest_gap_ms Nullable(Float64)  Longest gap (ms)
--   tracer_p50_us Nullable(Float32)   Time that Tracer itself added, median (µs)
--   tracer_p99_us Nullable(Float32)   The same, 99th percentile (µs)
WITH
    quantilesTDigestMerge(0.5, 0.95, 0.99)(made.duration_ms) AS durations,
    quantilesTDigestMerge(0.5, 0.95, 0.99)(made.ttft_ms) AS firsts,
    quantilesTDigestMerge(0.5, 0.95, 0.99)(made.proxy_us) AS own,
    arrayCumSum(sumForEachMerge(made.itl_digest)) AS reached
SELECT
    provider,
    if(request_model = '', 'none', request_model) AS model,
    sum(made.calls) AS calls,
    sum(made.streams) AS streams,
    round(durations[1], 1) AS duration_p50_ms,
    round(durations[2], 1) AS duration_p95_ms,
    round(durations[3], 1) AS duration_p99_ms,
    if(isNaN(firsts[1]), NULL, round(firsts[1], 1)) AS ttft_p50_ms,
    if(isNaN(firsts[2]), NULL, round(firsts[2], 1)) AS ttft_p95_ms,
    if(isNaN(firsts[3]), NULL, round(firsts[3], 1)) AS ttft_p99_ms,
    if(empty(reached), NULL, round(0.25 * exp2((arrayFirstIndex(n -> n >= 0.5 * reached[-1], reached) - 1) / 4), 2)) AS gap_p50_ms,
    if(empty(reached), NULL, round(0.25 * exp2((arrayFirstIndex(n -> n >= 0.95 * reached[-1], reached) - 1) / 4), 2)) AS gap_p95_ms,
    round(max(made.itl_max_ms), 1) AS longest_gap_ms,
    if(isNaN(own[1]), NULL, round(own[1])) AS tracer_p50_us,
    if(isNaN(own[3]), NULL, round(own[3])) AS tracer_p99_us
FROM
(
    SELECT provider, request_model, response_model, outcome, calls, streams, duration_ms, ttft_ms, proxy_us, itl_digest, itl_max_ms
    FROM llm.calls_by_minute
    WHERE dateDiff('hour', {since:DateTime('UTC')}, {until:DateTime('UTC')}) <= 96
        AND minute >= toStartOfMinute({since:DateTime('UTC')})
        AND minute < {until:DateTime('UTC')}
    UNION ALL
    SELECT provider, request_model, response_model, outcome, calls, streams, duration_ms, ttft_ms, proxy_us, itl_digest, itl_max_ms
    FROM llm.calls_by_hour
    WHERE dateDiff('hour', {since:DateTime('UTC')}, {until:DateTime('UTC')}) > 96
        AND hour >= toStartOfHour({since:DateTime('UTC')})
        AND hour < {until:DateTime('UTC')}
) AS made
WHERE outcome = 'ok'
    AND ({model:String} = '' OR request_model = {model:String} OR response_model = {model:String})
    AND ({provider:String} = '' OR provider = {provider:String})
GROUP BY provider, model
ORDER BY calls DESC, provider, model
