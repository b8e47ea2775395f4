SELECT
    started_at AS time,
    otel_trace_id,
    trace_id AS trace,
    provider,
    @model AS model,
    response_model AS answered_by,
    user,
    outcome,
    status_code AS status,
    error_type AS error,
    error_message AS message
FROM llm.calls
WHERE @chosen AND @failed
ORDER BY started_at DESC
LIMIT 50
