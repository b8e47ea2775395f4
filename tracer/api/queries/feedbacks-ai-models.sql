-- Feedback by model; feedback on a trace with several models counts for each of them.
SELECT ai_model, count() AS total, avg(feedback.value * feedback.weight) AS avg_weighted_feedback
FROM (SELECT DISTINCT otel_trace_id, $model AS ai_model FROM llm.calls WHERE $filters AND ai_model != '') AS answered
INNER JOIN $feedback AS feedback ON feedback.otel_trace_id = answered.otel_trace_id
GROUP BY ai_model
ORDER BY total DESC, ai_model
