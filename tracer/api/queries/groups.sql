-- Calls by one of their properties. Costs in US cents; feedback on a call's trace counts for the call.
SELECT
    $dimension AS $name,
    count() AS requests,
    toFloat64(sum(cost_usd) * 100) AS cost,
    avg(total_tokens) AS avg_tokens,
    avgIf(feedback.weighted, feedback.given > 0) AS avg_weighted_feedback,
    countIf(feedback.given > 0) AS requests_with_feedback,
    formatDateTime(max(started_at), '%Y-%m-%dT%H:%i:%SZ') AS last_seen
FROM (SELECT * FROM llm.calls WHERE $filters AND $present) AS calls
LEFT JOIN
(
    SELECT otel_trace_id, avg(value * weight) AS weighted, count() AS given
    FROM $feedback
    GROUP BY otel_trace_id
) AS feedback ON feedback.otel_trace_id = calls.otel_trace_id
GROUP BY $name
ORDER BY $order, $name
LIMIT {page_size:UInt32} OFFSET {offset:UInt64}
