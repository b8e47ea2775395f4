SELECT
    provider,
    request_model AS model,
    system_fingerprint AS fingerprint,
    count() AS calls
FROM llm.calls
WHERE $__timeFilter(started_at)
    AND system_fingerprint != ''
    AND (provider, request_model, system_fingerprint) GLOBAL NOT IN
    (
        SELECT provider, request_model, system_fingerprint
        FROM llm.calls_by_hour
        WHERE hour >= $__fromTime - INTERVAL 30 DAY AND hour < toStartOfHour($__fromTime)
    )
    AND (provider, request_model) GLOBAL IN
    (
        SELECT provider, request_model
        FROM llm.calls_by_hour
        WHERE hour >= $__fromTime - INTERVAL 30 DAY AND hour < toStartOfHour($__fromTime) AND system_fingerprint != ''
    )
GROUP BY provider, model, fingerprint
HAVING calls >= 5
