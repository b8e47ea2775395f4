SELECT
    $__timeInterval(started_at) AS time,
    multiIf(
        outcome != 'upstream_error', toString(outcome),
        status_code = 0, 'upstream_error',
        concat('upstream_error ', toString(status_code))
    ) AS kind,
    count() AS calls
FROM llm.calls
WHERE @chosen AND @failed
GROUP BY time, kind
ORDER BY time, kind
