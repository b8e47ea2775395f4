-- The application's own spans, with what they were given and gave back.
SELECT
    spans.started_at AS time,
    spans.name AS span,
    spans.type AS type,
    spans.status AS status,
    spans.duration_ms AS duration,
    bodies.input AS input,
    bodies.output AS output
FROM
(
    SELECT * FROM llm.spans FINAL WHERE otel_trace_id GLOBAL IN (@trace_ids)
) AS spans
GLOBAL LEFT JOIN
(
    SELECT trace_id, span_id, workspace, input, output
    FROM llm.span_bodies FINAL
    WHERE span_id GLOBAL IN (SELECT span_id FROM llm.spans WHERE otel_trace_id GLOBAL IN (@trace_ids))
) AS bodies USING (trace_id, span_id, workspace)
ORDER BY spans.started_at
LIMIT 500
