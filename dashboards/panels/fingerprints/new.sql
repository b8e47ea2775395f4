-- Marks on the time axis of several boards.
SELECT
    toDateTime64(min(first_at), 6, 'UTC') AS time,
    'New fingerprint' AS title,
    concat(request_model, ': ', system_fingerprint) AS text,
    provider AS tags
FROM llm.calls_by_hour
WHERE system_fingerprint != '' AND @named
GROUP BY provider, request_model, system_fingerprint
HAVING $__timeFilter(time) AND time > (SELECT min(first_at) + INTERVAL 1 HOUR FROM llm.calls_by_hour)
ORDER BY time
LIMIT 200
