SELECT
    started_at AS time,
    otel_trace_id,
    trace_id AS trace,
    provider,
    @model AS model,
    response_model AS answered_by,
    stream,
    outcome,
    duration_ms AS duration,
    ttft_ms AS first_token,
    itl_max_ms AS longest_gap,
    input_tokens AS tokens_in,
    output_tokens AS tokens_out
FROM llm.calls
WHERE @chosen
ORDER BY duration_ms DESC
LIMIT 50
