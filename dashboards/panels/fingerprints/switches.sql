-- Each change of a model's fingerprint in the time range, with the model's calls of the day before and of the day after: whatever
-- their fingerprint, for a call that failed has none. The hour of the change is left out. Not of users or metadata.
WITH
    first_calls AS
    (
        SELECT provider, request_model, system_fingerprint, toDateTime64(min(first_at), 6, 'UTC') AS at
        FROM llm.calls_by_hour
        WHERE system_fingerprint != '' AND @named
        GROUP BY provider, request_model, system_fingerprint
    ),
    switches AS
    (
        SELECT provider, request_model, at, toStartOfHour(at) AS at_hour, after, before
        FROM
        (
            SELECT
                provider,
                request_model,
                at,
                toString(system_fingerprint) AS after,
                lagInFrame(toString(system_fingerprint))
                    OVER (PARTITION BY provider, request_model ORDER BY at ASC ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS before
            FROM first_calls
        )
        WHERE before != '' AND $__timeFilter(at)
    ),
    quantilesTDigestMergeIf(0.5, 0.95, 0.99)(ttft_ms, outcome = 'ok' AND hour < at_hour)[1] AS ttft_before,
    quantilesTDigestMergeIf(0.5, 0.95, 0.99)(ttft_ms, outcome = 'ok' AND hour > at_hour)[1] AS ttft_after,
    quantilesTDigestMergeIf(0.5, 0.95, 0.99)(duration_ms, outcome = 'ok' AND hour < at_hour)[1] AS duration_before,
    quantilesTDigestMergeIf(0.5, 0.95, 0.99)(duration_ms, outcome = 'ok' AND hour > at_hour)[1] AS duration_after,
    toFloat64(sumIf(cost_usd, hour < at_hour)) / calls_before AS cost_before,
    toFloat64(sumIf(cost_usd, hour > at_hour)) / calls_after AS cost_after
SELECT
    at AS time,
    provider,
    @model AS model,
    before,
    after,
    sumIf(calls, hour < at_hour) AS calls_before,
    sumIf(calls, hour > at_hour) AS calls_after,
    ttft_after / ttft_before - 1 AS first_token,
    duration_after / duration_before - 1 AS duration,
    cost_after / cost_before - 1 AS cost,
    sumIf(calls, @failed AND hour < at_hour) / calls_before AS failed_before,
    sumIf(calls, @failed AND hour > at_hour) / calls_after AS failed_after
FROM llm.calls_by_hour
GLOBAL INNER JOIN switches USING (provider, request_model)
WHERE hour >= at_hour - INTERVAL 24 HOUR AND hour <= at_hour + INTERVAL 24 HOUR AND hour >= $__fromTime - INTERVAL 2 DAY
GROUP BY time, provider, model, before, after
ORDER BY time DESC
LIMIT 100
