-- Value times weight of the feedback on the traces of these calls, on average, counted when the trace began.
SELECT timestamp, avg(feedback.value * feedback.weight) AS avg
FROM (SELECT otel_trace_id, min($timestamp) AS timestamp FROM llm.calls WHERE $filters GROUP BY otel_trace_id) AS traces
INNER JOIN $feedback AS feedback ON feedback.otel_trace_id = traces.otel_trace_id
GROUP BY timestamp
ORDER BY timestamp
