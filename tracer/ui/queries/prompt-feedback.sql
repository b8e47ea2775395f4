-- The feedback on traces with calls of one prompt, by version: each feedback once for each version that it can be about.
SELECT
    version,
    count() AS given,
    avgWeighted(value, weight) AS score,
    countIf(value > 0) / given AS liked
FROM
(
    SELECT DISTINCT prompt_version AS version, otel_trace_id
    FROM llm.calls
    WHERE started_at >= {since:DateTime64(6, 'UTC')} AND started_at < {until:DateTime64(6, 'UTC')} AND prompt_id IN {names:Array(String)} AND $visible
) AS called
INNER JOIN
(
    SELECT otel_trace_id, value, weight
    FROM llm.feedback FINAL
    WHERE $visible_workspace
) AS feedback USING (otel_trace_id)
GROUP BY version
