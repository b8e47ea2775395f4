-- The same as overview-buckets.sql, from a roll-up.
SELECT
    intDiv(toUnixTimestamp($moment), {bucket:UInt32}) * {bucket:UInt32} AS bucket,
    sum(made.calls) AS calls,
    sumIf(made.calls, outcome = 'ok') AS ok,
    sumIf(made.calls, outcome = 'cache_hit') AS hit,
    sumIf(made.calls, outcome = 'client_gone') AS gone,
    sumIf(made.calls, outcome = 'refused') AS refused,
    calls - ok - hit - gone - refused AS bad,
    sum(made.unpriced) AS unpriced,
    sum(made.cost_usd) AS cost,
    sum(made.input_cost_usd) AS input_cost,
    sum(made.output_cost_usd) AS output_cost,
    sum(made.saved_usd) AS saved,
    sum(made.wasted_usd) AS wasted,
    sum(made.input_tokens) AS input_tokens,
    sum(made.output_tokens) AS output_tokens,
    quantilesTDigestMerge(0.5, 0.95, 0.99)(made.ttft_ms) AS ttft,
    quantilesTDigestMergeIf(0.5, 0.95, 0.99)(made.duration_ms, outcome = 'ok') AS duration,
    ttft[1] AS ttft_p50,
    ttft[2] AS ttft_p95,
    duration[1] AS duration_p50,
    duration[2] AS duration_p95
FROM $roll_up AS made
WHERE $moment >= {since:DateTime64(6, 'UTC')} AND $moment < {until:DateTime64(6, 'UTC')} AND $visible
GROUP BY bucket WITH ROLLUP
