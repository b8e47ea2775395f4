SELECT
    provider,
    outcome,
    status_code AS status,
    error_type AS error,
    count() AS calls,
    uniq(user) AS users,
    min(started_at) AS first_at,
    max(started_at) AS last_at,
    argMax(error_message, started_at) AS message,
    argMax(otel_trace_id, started_at) AS otel_trace_id,
    argMax(trace_id, started_at) AS trace
FROM llm.calls
WHERE @chosen AND @failed
GROUP BY provider, outcome, status, error
ORDER BY calls DESC
LIMIT 100
