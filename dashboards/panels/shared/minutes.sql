-- What is counted, from the smallest table that can tell: sums of minutes, of hours if the range is wide, or the calls themselves
-- if they are narrowed to users or metadata, which sums know nothing of. Of the three, two have a condition that is constantly
-- false and are not read.
(
    SELECT
        minute,
        provider,
        request_model,
        outcome,
        calls AS n,
        retries AS n_retries,
        unpriced AS n_unpriced,
        @summed
    FROM llm.calls_by_minute
    WHERE @everybody AND NOT @wide AND $__timeFilter(minute) AND @named
    UNION ALL
    SELECT
        hour AS minute,
        provider,
        request_model,
        outcome,
        calls AS n,
        retries AS n_retries,
        unpriced AS n_unpriced,
        @summed
    FROM llm.calls_by_hour
    WHERE @everybody AND @wide AND $__timeFilter(hour) AND @named
    UNION ALL
    SELECT
        toStartOfMinute(started_at) AS minute,
        provider,
        request_model,
        outcome,
        1 AS n,
        attempt > 0 AS n_retries,
        @unpriced AS n_unpriced,
        ifNull(uncached_input_tokens, 0) AS uncached_input_tokens,
        ifNull(cache_read_tokens, 0) AS cache_read_tokens,
        ifNull(cache_write_tokens, 0) AS cache_write_tokens,
        ifNull(reasoning_tokens, 0) AS reasoning_tokens,
        ifNull(input_tokens, 0) AS input_tokens,
        ifNull(output_tokens, 0) AS output_tokens,
        toFloat64(cost_usd) AS usd,
        toFloat64(input_cost_usd) AS usd_input,
        toFloat64(output_cost_usd) AS usd_output,
        toFloat64(saved_usd) AS usd_saved,
        toFloat64(@wasted) AS usd_wasted
    FROM llm.calls
    WHERE NOT @everybody AND @chosen
)
