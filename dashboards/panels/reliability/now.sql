SELECT
    sumIf(n, outcome IN ('ok', 'cache_hit')) / sum(n) AS succeeded,
    sumIf(n, @failed) / sum(n) AS failed,
    sumIf(n, outcome = 'upstream_error') AS provider_errors,
    sumIf(n, outcome = 'timeout') AS timeouts,
    sumIf(n, outcome = 'stream_error') AS broken_streams,
    sumIf(n, outcome = 'client_gone') AS callers_left,
    sum(n_retries) / sum(n) AS retries
FROM @minutes
