-- How often each value was given on the traces of these calls.
SELECT value AS score, count() AS total, sum(count()) OVER () AS all_feedbacks
FROM $feedback
WHERE otel_trace_id GLOBAL IN (SELECT otel_trace_id FROM llm.calls WHERE $filters)
GROUP BY value
ORDER BY value
