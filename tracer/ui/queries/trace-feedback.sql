-- The feedback on one trace, earliest first, by the trace's id as sent or by the hex digits derived from it.
SELECT created_at, value, weight, metadata
FROM llm.feedback FINAL
WHERE (otel_trace_id = {otel_trace_id:String} OR trace_id = {trace_id:String}) AND $visible_workspace
ORDER BY created_at, feedback_id
LIMIT 200
