-- What was said. Bodies are found by time first, so that a few granules are read and not all of them.
WITH of_trace AS
(
    SELECT call_id, started_at
    FROM llm.calls
    WHERE otel_trace_id GLOBAL IN (@trace_ids)
        AND $__conditionalAll(toString(call_id) = ${call:sqlstring}, $call)
)
SELECT
    started_at AS time,
    toString(call_id) AS call_id,
    if(original_body = '', request_body, original_body) AS asked,
    if(assembled = '', response_body, assembled) AS answered
FROM llm.bodies
WHERE started_at >= (SELECT min(started_at) FROM of_trace)
    AND started_at <= (SELECT max(started_at) FROM of_trace)
    AND call_id GLOBAL IN (SELECT call_id FROM of_trace)
ORDER BY started_at
LIMIT 50
