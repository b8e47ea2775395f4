-- The overview's charts and figures: how calls ended, cost, tokens and latencies by bucket of time; bucket 0 is all of the time.
SELECT
    intDiv(toUnixTimestamp(started_at), {bucket:UInt32}) * {bucket:UInt32} AS bucket,
    count() AS calls,
    countIf(outcome = 'ok') AS ok,
    countIf(outcome = 'cache_hit') AS hit,
    countIf(outcome = 'client_gone') AS gone,
    countIf(outcome = 'refused') AS refused,
    calls - ok - hit - gone - refused AS bad,
    countIf(cost_usd IS NULL AND operation != '' AND outcome IN ('ok', 'stream_error', 'client_gone')) AS unpriced,
    sum(cost_usd) AS cost,
    sum(input_cost_usd) AS input_cost,
    sum(output_cost_usd) AS output_cost,
    sum(saved_usd) AS saved,
    sum(coalesce(wasted_usd, if(outcome IN ('client_gone', 'stream_error', 'timeout'), cost_usd, NULL))) AS wasted,
    sum(made.input_tokens) AS input_tokens,
    sum(made.output_tokens) AS output_tokens,
    quantilesTDigest(0.5, 0.95, 0.99)(ttft_ms) AS ttft,
    quantilesTDigestIf(0.5, 0.95, 0.99)(duration_ms, outcome = 'ok') AS duration,
    ttft[1] AS ttft_p50,
    ttft[2] AS ttft_p95,
    duration[1] AS duration_p50,
    duration[2] AS duration_p95
FROM llm.calls AS made
WHERE started_at >= {since:DateTime64(6, 'UTC')} AND started_at < {until:DateTime64(6, 'UTC')} AND $visible
GROUP BY bucket WITH ROLLUP
