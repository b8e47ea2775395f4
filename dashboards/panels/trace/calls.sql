SELECT
    started_at AS time,
    toString(call_id) AS call_id,
    span_name AS span,
    attempt,
    provider,
    @model AS model,
    response_model AS answered_by,
    system_fingerprint AS fingerprint,
    outcome,
    status_code AS status,
    duration_ms AS duration,
    ttft_ms AS first_token,
    input_tokens AS tokens_in,
    output_tokens AS tokens_out,
    toFloat64(cost_usd) AS cost
FROM llm.calls
WHERE otel_trace_id GLOBAL IN (@trace_ids)
ORDER BY started_at
LIMIT 500
