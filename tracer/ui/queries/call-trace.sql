-- The calls of a call's trace, earliest first.
SELECT
    call_id,
    started_at,
    span_id,
    parent_span_id,
    span_name,
    attempt,
    if(response_model = '', request_model, response_model) AS model,
    outcome,
    status_code,
    cost_usd,
    duration_ms
FROM llm.calls
WHERE otel_trace_id = {otel_trace_id:String} AND $visible
ORDER BY started_at, call_id
LIMIT {limit:UInt32}
