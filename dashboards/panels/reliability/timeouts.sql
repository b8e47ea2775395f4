SELECT
    @step AS time,
    concat(provider, ': ', outcome) AS kind,
    sum(n) AS calls
FROM @minutes
WHERE outcome IN ('timeout', 'stream_error')
GROUP BY time, kind
ORDER BY time, kind
