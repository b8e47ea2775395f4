-- Latency over time
-- Percentiles of the duration and of the time to the first token, step by step.
--
-- Parameters:
--   since DateTime('UTC') = 24h  Calls that began in that minute or later
--   until DateTime('UTC') = now  Up to then, which is not included
--   step UInt32 = 3600           Length of a step, a multiple of 60 (s)
--   model String = ''            Only this model, as asked for or as answered; empty for all
--   provider String = ''         Only this provider; empty for all
--
-- Columns:
--   time DateTime('UTC')           Beginning of the step, UTC
--   calls UInt64                   Calls
--   duration_p50_ms Float32        Whole calls, median (ms)
--   duration_p95_ms Float32        The same, 95th percentile (ms)
--   duration_p99_ms Float32        The same, 99th percentile (ms)
--   ttft_p50_ms Nullable(Float32)  Time to the first token of streams, median (ms)
--   ttft_p95_ms Nullable(Float32)  The same, 95th percentile (ms)
WITH
    quantilesTDigestMerge(0.5, 0.95, 0.99)(made.duration_ms) AS durations,
    quantilesTDigestMerge(0.5, 0.95, 0.99)(made.ttft_ms) AS firsts
SELECT
    toStartOfInterval(minute, toIntervalSecond({step:UInt32})) AS time,
    sum(made.calls) AS calls,
    round(durations[1], 1) AS duration_p50_ms,
    round(durations[2], 1) AS duration_p95_ms,
    round(durations[3], 1) AS duration_p99_ms,
    if(isNaN(firsts[1]), NULL, round(firsts[1], 1)) AS ttft_p50_ms,
    if(isNaN(firsts[2]), NULL, round(firsts[2], 1)) AS ttft_p95_ms
FROM llm.calls_by_minute AS made
WHERE minute >= toStartOfMinute({since:DateTime('UTC')})
    AND minute < {until:DateTime('UTC')}
    AND ({model:String} = '' OR request_model = {model:String} OR response_model = {model:String})
    AND ({provider:String} = '' OR provider = {provider:String})
    AND outcome = 'ok'
GROUP BY time
ORDER BY time
