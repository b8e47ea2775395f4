-- What a new fingerprint changed
-- For each change of a model's `system_fingerprint`: latency, cost, length and failures in the hours before and after.
--
-- Parameters:
--   since DateTime('UTC') = 30d  Changes from then on
--   until DateTime('UTC') = now  Up to then, which is not included
--   hours UInt16 = 48            Hours to compare on either side
--   model String = ''            Only this model, as asked for or as answered; empty for all
--   provider String = ''         Only this provider; empty for all
--
-- Columns:
--   provider LowCardinality(String)           Slug of the provider
--   model LowCardinality(String)              Model that was asked for
--   fingerprint_before String                 What answered before
--   fingerprint_after LowCardinality(String)  What answered from then on
--   changed_at DateTime64(6, 'UTC')           When it was first seen; that hour itself is left out
--   calls_before UInt64                       Calls before
--   calls_after UInt64                        Calls after
--   ttft_before_ms Nullable(Float32)          Time to the first token before, median of what ended well (ms)
--   ttft_after_ms Nullable(Float32)           And after (ms)
--   duration_before_ms Nullable(Float32)      Whole calls before, median (ms)
--   duration_after_ms Nullable(Float32)       And after (ms)
--   usd_per_call_before Nullable(Float64)     Known cost by calls before (USD)
--   usd_per_call_after Nullable(Float64)      And after (USD)
--   output_tokens_before Nullable(Float64)    Mean output before (tokens)
--   output_tokens_after Nullable(Float64)     And after (tokens)
--   failed_before Nullable(Float64)           Share that failed before, 0 to 1
--   failed_after Nullable(Float64)            And after, 0 to 1
WITH
    changes AS
    (
        SELECT
            provider,
            request_model,
            system_fingerprint AS fingerprint_after,
            first_seen AS changed_at,
            lagInFrame(system_fingerprint) OVER (PARTITION BY provider, request_model ORDER BY first_seen ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS fingerprint_before
        FROM
        (
            SELECT provider, request_model, system_fingerprint, toDateTime64(min(first_at), 6, 'UTC') AS first_seen
            FROM llm.calls_by_hour
            WHERE system_fingerprint != ''
                AND ({model:String} = '' OR request_model = {model:String} OR response_model = {model:String})
                AND ({provider:String} = '' OR provider = {provider:String})
            GROUP BY provider, request_model, system_fingerprint
        )
    ),
    hour > changed_at AS later,
    outcome = 'ok' AS good,
    outcome NOT IN ('ok', 'cache_hit', 'client_gone') AS failed,
    quantilesTDigestMergeIf(0.5, 0.95, 0.99)(made.ttft_ms, NOT later AND good)[1] AS ttft_before,
    quantilesTDigestMergeIf(0.5, 0.95, 0.99)(made.ttft_ms, later AND good)[1] AS ttft_after,
    quantilesTDigestMergeIf(0.5, 0.95, 0.99)(made.duration_ms, NOT later AND good)[1] AS duration_before,
    quantilesTDigestMergeIf(0.5, 0.95, 0.99)(made.duration_ms, later AND good)[1] AS duration_after,
    nullIf(sumIf(made.calls, NOT later AND good), 0) AS good_before,
    nullIf(sumIf(made.calls, later AND good), 0) AS good_after
SELECT
    changes.provider AS provider,
    changes.request_model AS model,
    fingerprint_before,
    fingerprint_after,
    changed_at,
    sumIf(made.calls, NOT later) AS calls_before,
    sumIf(made.calls, later) AS calls_after,
    if(isNaN(ttft_before), NULL, round(ttft_before, 1)) AS ttft_before_ms,
    if(isNaN(ttft_after), NULL, round(ttft_after, 1)) AS ttft_after_ms,
    if(isNaN(duration_before), NULL, round(duration_before, 1)) AS duration_before_ms,
    if(isNaN(duration_after), NULL, round(duration_after, 1)) AS duration_after_ms,
    round(toFloat64(sumIf(made.cost_usd, NOT later AND good)) / good_before, 8) AS usd_per_call_before,
    round(toFloat64(sumIf(made.cost_usd, later AND good)) / good_after, 8) AS usd_per_call_after,
    round(sumIf(made.output_tokens, NOT later AND good) / good_before, 1) AS output_tokens_before,
    round(sumIf(made.output_tokens, later AND good) / good_after, 1) AS output_tokens_after,
    round(sumIf(made.calls, NOT later AND failed) / nullIf(calls_before, 0), 4) AS failed_before,
    round(sumIf(made.calls, later AND failed) / nullIf(calls_after, 0), 4) AS failed_after
FROM llm.calls_by_hour AS made
INNER JOIN changes ON made.provider = changes.provider AND made.request_model = changes.request_model
WHERE fingerprint_before != ''
    AND changed_at >= {since:DateTime('UTC')}
    AND changed_at < {until:DateTime('UTC')}
    AND hour >= toStartOfHour(changed_at) - INTERVAL {hours:UInt16} HOUR
    AND hour <= toStartOfHour(changed_at) + INTERVAL {hours:UInt16} HOUR
    AND hour != toStartOfHour(changed_at)
    AND (made.provider, made.request_model, made.hour) IN
    (
        -- The same once more, as hours that can be looked up: so no others are read.
        SELECT
            provider,
            request_model,
            arrayJoin(arrayMap(n -> toStartOfHour(changed_at) + toIntervalHour(n), range(-toInt32({hours:UInt16}), toInt32({hours:UInt16}) + 1)))
        FROM changes
        WHERE fingerprint_before != ''
    )
GROUP BY provider, model, fingerprint_before, fingerprint_after, changed_at
ORDER BY changed_at DESC, provider, model
