-- One trace, by its id as sent or by the hex digits derived from it: its calls and the application's own spans. An application
-- that has W3C ids too names them on its spans; what it asked for under those belongs to the trace as well, one step far.
WITH
    meant AS
    (
        SELECT {otel_trace_id:String} AS id
        UNION DISTINCT
        SELECT obs_trace_id FROM llm.spans WHERE otel_trace_id = {otel_trace_id:String} AND obs_trace_id != ''
        UNION DISTINCT
        SELECT otel_trace_id FROM llm.spans WHERE obs_trace_id = {otel_trace_id:String}
    )
SELECT *
FROM
(
    SELECT
        trace_id,
        span_id,
        parent_span_id,
        toString(span_name) AS name,
        '' AS type,
        '' AS obs_span_id,
        toString(if(response_model = '', request_model, response_model)) AS model,
        toString(outcome) AS outcome,
        status_code,
        toString(error_type) AS error_type,
        attempt,
        toUnixTimestamp64Micro(started_at) AS started_us,
        toNullable(duration_ms) AS duration_ms,
        ttft_ms,
        input_tokens,
        output_tokens,
        toString(cost_usd) AS cost_usd,
        toString(key_id) AS key_id,
        '' AS workspace,
        toString(call_id) AS tie
    FROM llm.calls
    WHERE otel_trace_id IN (SELECT id FROM meant) OR trace_id = {trace_id:String}
    UNION ALL
    SELECT
        trace_id,
        span_id,
        parent_span_id,
        toString(name) AS name,
        if(type = '', 'span', toString(type)) AS type,
        obs_span_id,
        '' AS model,
        if(status = '' OR (status = 'SUCCESS' AND ended_at IS NULL), '', toString(status)) AS outcome,
        0 AS status_code,
        if(status = 'ERROR', JSONExtractString(metadata, 'error_type'), '') AS error_type,
        0 AS attempt,
        toUnixTimestamp64Micro(started_at) AS started_us,
        duration_ms,
        NULL AS ttft_ms,
        NULL AS input_tokens,
        NULL AS output_tokens,
        NULL AS cost_usd,
        toString(key_id) AS key_id,
        toString(workspace) AS workspace,
        span_id AS tie
    FROM llm.spans FINAL
    WHERE otel_trace_id IN (SELECT id FROM meant) OR trace_id = {trace_id:String}
)
ORDER BY started_us, tie
