-- The newest calls that the filters let through. Reading stops as soon as there are enough: the table is sorted by time.
SELECT
    started_at AS time,
    otel_trace_id,
    trace_id AS trace,
    span_name AS span,
    provider,
    @model AS model,
    response_model AS answered_by,
    user,
    outcome,
    status_code AS status,
    if(error_message = '', toString(error_type), error_message) AS error,
    duration_ms AS duration,
    ttft_ms AS first_token,
    total_tokens AS tokens,
    toFloat64(cost_usd) AS cost
FROM llm.calls
WHERE @chosen
    AND $__conditionalAll(outcome IN (${outcome:singlequote}), $outcome)
    AND $__conditionalAll(duration_ms >= toFloat64OrZero(${slower:sqlstring}), $slower)
    AND $__conditionalAll(positionCaseInsensitive(concat(trace_id, ' ', span_name, ' ', session_id, ' ', error_message), ${search:sqlstring}) > 0, $search)
ORDER BY started_at DESC
LIMIT 200
