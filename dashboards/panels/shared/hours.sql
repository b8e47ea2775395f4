-- Calls by what they were made from and what answered: sums of hours if the range is wide, else the calls themselves.
(
    SELECT
        hour AS minute,
        provider,
        request_model,
        response_model,
        system_fingerprint,
        prompt_id,
        prompt_version,
        outcome,
        calls AS n,
        toDateTime64(first_at, 6, 'UTC') AS first_at,
        toDateTime64(last_at, 6, 'UTC') AS last_at,
        input_tokens,
        output_tokens,
        toFloat64(cost_usd) AS usd,
        duration_ms AS duration_state,
        ttft_ms AS ttft_state
    FROM llm.calls_by_hour
    WHERE @everybody AND @wide AND $__timeFilter(hour) AND @named
    UNION ALL
    SELECT
        $__timeInterval(started_at) AS minute,
        provider,
        request_model,
        response_model,
        system_fingerprint,
        prompt_id,
        prompt_version,
        outcome,
        count() AS n,
        min(started_at) AS first_at,
        max(started_at) AS last_at,
        sum(ifNull(input_tokens, 0)) AS input_tokens,
        sum(ifNull(output_tokens, 0)) AS output_tokens,
        toFloat64(sum(cost_usd)) AS usd,
        quantilesTDigestState(0.5, 0.95, 0.99)(duration_ms) AS duration_state,
        quantilesTDigestState(0.5, 0.95, 0.99)(ttft_ms) AS ttft_state
    FROM llm.calls
    WHERE NOT (@everybody AND @wide) AND @chosen
    GROUP BY minute, provider, request_model, response_model, system_fingerprint, prompt_id, prompt_version, outcome
)
