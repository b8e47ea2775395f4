-- The newest calls of one prompt.
SELECT
    call_id,
    started_at,
    prompt_version,
    user,
    if(response_model = '', request_model, response_model) AS model,
    outcome,
    status_code,
    cost_usd,
    duration_ms,
    input_tokens,
    output_tokens
FROM llm.calls
WHERE started_at >= {since:DateTime64(6, 'UTC')} AND started_at < {until:DateTime64(6, 'UTC')} AND prompt_id IN {names:Array(String)} AND $visible
ORDER BY started_at DESC, call_id DESC
LIMIT {limit:UInt32}
