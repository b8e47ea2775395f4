-- How long answers took, as digests that add up, from the smallest table that can tell (see minutes.sql). Only calls that ended
-- well: a refusal is fast, a timeout is slow, and neither says how the model is.
(
    SELECT
        minute,
        provider,
        request_model,
        duration_ms AS duration_state,
        ttft_ms AS ttft_state,
        proxy_us AS proxy_state,
        itl_digest AS gaps_state,
        output_tokens AS tokens_out,
        total_ms AS busy_ms
    FROM llm.calls_by_minute
    WHERE @everybody AND NOT @wide AND $__timeFilter(minute) AND @named AND outcome = 'ok'
    UNION ALL
    SELECT
        hour AS minute,
        provider,
        request_model,
        duration_ms AS duration_state,
        ttft_ms AS ttft_state,
        proxy_us AS proxy_state,
        itl_digest AS gaps_state,
        output_tokens AS tokens_out,
        total_ms AS busy_ms
    FROM llm.calls_by_hour
    WHERE @everybody AND @wide AND $__timeFilter(hour) AND @named AND outcome = 'ok'
    UNION ALL
    SELECT
        $__timeInterval(started_at) AS minute,
        provider,
        request_model,
        quantilesTDigestState(0.5, 0.95, 0.99)(duration_ms) AS duration_state,
        quantilesTDigestState(0.5, 0.95, 0.99)(ttft_ms) AS ttft_state,
        quantilesTDigestState(0.5, 0.95, 0.99)(proxy_us) AS proxy_state,
        sumForEachState(itl_digest) AS gaps_state,
        sum(ifNull(output_tokens, 0)) AS tokens_out,
        sum(duration_ms) AS busy_ms
    FROM llm.calls
    WHERE NOT @everybody AND @chosen AND outcome = 'ok'
    GROUP BY minute, provider, request_model
)
