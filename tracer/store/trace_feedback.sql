-- The feedback on one trace, by its id as sent or by the hex digits derived from it.
SELECT value, weight
FROM llm.feedback FINAL
WHERE otel_trace_id = {otel_trace_id:String} OR trace_id = {trace_id:String}
ORDER BY created_at, feedback_id
