-- One screen of the list of calls, newest first, from a place in it on.
SELECT
    call_id,
    started_at,
    trace_id,
    span_name,
    attempt,
    user,
    provider,
    request_model,
    if(response_model = '', request_model, response_model) AS model,
    operation,
    stream,
    cache_status,
    outcome,
    status_code,
    error_type,
    leftUTF8(error_message, 200) AS error_message,
    input_tokens,
    output_tokens,
    usage_source,
    cost_usd,
    price_source,
    ttft_ms,
    duration_ms,
    prompt_id,
    prompt_version
FROM llm.calls
WHERE started_at >= {since:DateTime64(6, 'UTC')} AND started_at < {until:DateTime64(6, 'UTC')} AND $visible AND $filters AND $place
ORDER BY started_at $direction, call_id $direction
LIMIT {limit:UInt16}
