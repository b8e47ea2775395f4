-- Time to the first token
-- Of streams, by model: how long until something could be read, and how much of that was waiting for the first byte.
--
-- Parameters:
--   since DateTime('UTC') = 7d   Calls that began in that minute or later; over more than four days, in that hour or later
--   until DateTime('UTC') = now  Up to then, which is not included
--   model String = ''            Only this model, as asked for or as answered; empty for all
--   provider String = ''         Only this provider; empty for all
--
-- Columns:
--   provider LowCardinality(String)  Slug of the provider
--   model String                     Model that was asked for
--   streams UInt64                   Streams
--   ttft_p50_ms Float32              Time to the first token of streams, median (ms)
--   ttft_p95_ms Float32              The same, 95th percentile (ms)
--   ttft_p99_ms Float32              The same, 99th percentile (ms)
--   ttfb_p50_ms Nullable(Float32)    Time to the first byte of the answer, of all calls, median (ms)
--   ttfb_p95_ms Nullable(Float32)    The same, 95th percentile (ms)
WITH
    quantilesTDigestMerge(0.5, 0.95, 0.99)(made.ttft_ms) AS firsts,
    quantilesTDigestMerge(0.5, 0.95, 0.99)(made.ttfb_ms) AS bytes
SELECT
    provider,
    if(request_model = '', 'none', request_model) AS model,
    sum(made.streams) AS streams,
    round(firsts[1], 1) AS ttft_p50_ms,
    round(firsts[2], 1) AS ttft_p95_ms,
    round(firsts[3], 1) AS ttft_p99_ms,
    if(isNaN(bytes[1]), NULL, round(bytes[1], 1)) AS ttfb_p50_ms,
    if(isNaN(bytes[2]), NULL, round(bytes[2], 1)) AS ttfb_p95_ms
FROM
(
    SELECT provider, request_model, response_model, outcome, streams, ttft_ms, ttfb_ms
    FROM llm.calls_by_minute
    WHERE dateDiff('hour', {since:DateTime('UTC')}, {until:DateTime('UTC')}) <= 96
        AND minute >= toStartOfMinute({since:DateTime('UTC')})
        AND minute < {until:DateTime('UTC')}
    UNION ALL
    SELECT provider, request_model, response_model, outcome, streams, ttft_ms, ttfb_ms
    FROM llm.calls_by_hour
    WHERE dateDiff('hour', {since:DateTime('UTC')}, {until:DateTime('UTC')}) > 96
        AND hour >= toStartOfHour({since:DateTime('UTC')})
        AND hour < {until:DateTime('UTC')}
) AS made
WHERE outcome IN ('ok', 'client_gone', 'stream_error')
    AND ({model:String} = '' OR request_model = {model:String} OR response_model = {model:String})
    AND ({provider:String} = '' OR provider = {provider:String})
GROUP BY provider, model
HAVING isFinite(ttft_p50_ms)
ORDER BY ttft_p50_ms DESC, provider, model
