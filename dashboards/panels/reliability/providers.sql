SELECT
    provider,
    calls,
    succeeded,
    errors,
    timeouts,
    broken_streams,
    callers_left,
    retries,
    first_token_p95,
    duration_p95
FROM
(
    SELECT
        provider,
        sum(n) AS calls,
        sumIf(n, outcome IN ('ok', 'cache_hit')) / calls AS succeeded,
        sumIf(n, outcome = 'upstream_error') / calls AS errors,
        sumIf(n, outcome = 'timeout') / calls AS timeouts,
        sumIf(n, outcome = 'stream_error') / calls AS broken_streams,
        sumIf(n, outcome = 'client_gone') / calls AS callers_left,
        sum(n_retries) / calls AS retries
    FROM @minutes
    WHERE provider != ''
    GROUP BY provider
) AS counted
GLOBAL LEFT JOIN
(
    SELECT
        provider,
        quantilesTDigestMerge(0.5, 0.95, 0.99)(ttft_state)[2] AS first_token_p95,
        quantilesTDigestMerge(0.5, 0.95, 0.99)(duration_state)[2] AS duration_p95
    FROM @minute_times
    GROUP BY provider
) AS timed USING (provider)
ORDER BY calls DESC
