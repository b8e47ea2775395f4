-- Feedback on the traces of these calls, counted when the trace began.
SELECT timestamp, count() AS total
FROM (SELECT otel_trace_id, min($timestamp) AS timestamp FROM llm.calls WHERE $filters GROUP BY otel_trace_id) AS traces
INNER JOIN $feedback AS feedback ON feedback.otel_trace_id = traces.otel_trace_id
GROUP BY timestamp
ORDER BY timestamp
