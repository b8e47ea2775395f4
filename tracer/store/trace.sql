-- The calls of one trace, by its id as sent or by the hex digits derived from it.
SELECT
    trace_id,
    span_id,
    parent_span_id,
    span_name,
    if(response_model = '', request_model, response_model) AS model,
    outcome,
    status_code,
    error_type,
    attempt,
    toUnixTimestamp64Micro(started_at) AS started_us,
    duration_ms,
    ttft_ms,
    input_tokens,
    output_tokens,
    toString(cost_usd) AS cost_usd
FROM llm.calls
WHERE otel_trace_id = {otel_trace_id:String} OR trace_id = {trace_id:String}
ORDER BY started_at, call_id
