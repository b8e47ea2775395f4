-- Time between tokens
-- The gaps between the tokens of streams, by model, over all gaps of all streams.
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
--   streams UInt64                    Streams
--   gaps UInt64                       Gaps
--   gap_p50_ms Nullable(Float64)      Median, at most 19 % too high (ms)
--   gap_p95_ms Nullable(Float64)      95th percentile (ms)
--   gap_p99_ms Nullable(Float64)      99th percentile (ms)
--   longest_gap_ms Nullable(Float64)  Longest gap (ms)
WITH
    sumForEachMerge(made.itl_digest) AS digest,
    arrayCumSum(digest) AS reached
SELECT
    provider,
    if(request_model = '', 'none', request_model) AS model,
    sum(made.streams) AS streams,
    arraySum(digest) AS gaps,
    if(empty(reached), NULL, round(0.25 * exp2((arrayFirstIndex(n -> n >= 0.5 * reached[-1], reached) - 1) / 4), 2)) AS gap_p50_ms,
    if(empty(reached), NULL, round(0.25 * exp2((arrayFirstIndex(n -> n >= 0.95 * reached[-1], reached) - 1) / 4), 2)) AS gap_p95_ms,
    if(empty(reached), NULL, round(0.25 * exp2((arrayFirstIndex(n -> n >= 0.99 * reached[-1], reached) - 1) / 4), 2)) AS gap_p99_ms,
    round(max(made.itl_max_ms), 1) AS longest_gap_ms
FROM
(
    SELECT provider, request_model, response_model, outcome, streams, itl_digest, itl_max_ms
    FROM llm.calls_by_minute
    WHERE dateDiff('hour', {since:DateTime('UTC')}, {until:DateTime('UTC')}) <= 96
        AND minute >= toStartOfMinute({since:DateTime('UTC')})
        AND minute < {until:DateTime('UTC')}
    UNION ALL
    SELECT provider, request_model, response_model, outcome, streams, itl_digest, itl_max_ms
    FROM llm.calls_by_hour
    WHERE dateDiff('hour', {since:DateTime('UTC')}, {until:DateTime('UTC')}) > 96
        AND hour >= toStartOfHour({since:DateTime('UTC')})
        AND hour < {until:DateTime('UTC')}
) AS made
WHERE notEmpty(provider)
    AND ({model:String} = '' OR request_model = {model:String} OR response_model = {model:String})
    AND ({provider:String} = '' OR provider = {provider:String})
GROUP BY provider, model
HAVING gaps > 0
ORDER BY gap_p95_ms DESC, provider, model
