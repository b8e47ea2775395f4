-- Calls that succeeded after failed attempts, by how many: the SDK's own (`attempt`), and those that a config's `retry` asked for,
-- each of which is a row that names its call in its notes.
SELECT
    timestamp,
    sum(rescued) AS total,
    groupArrayIf(CAST((retries, rescued), 'Tuple(retry_success_count Int64, count UInt64)'), rescued > 0) AS retry,
    0 AS fallback
FROM
(
    SELECT $timestamp AS timestamp, attempt + tried.failures AS retries, countIf(retries > 0 AND outcome = 'ok') AS rescued
    FROM (SELECT call_id, started_at, attempt, outcome FROM llm.calls WHERE $filters) AS calls
    LEFT JOIN
    (
        SELECT splitByChar(' ', note)[5] AS of_call, count() AS failures
        FROM (SELECT arrayJoin(notes) AS note FROM llm.calls WHERE started_at >= {since:DateTime64(6, 'UTC')} AND $visible)
        WHERE note LIKE 'attempt % of call %'
        GROUP BY of_call
    ) AS tried ON tried.of_call = toString(calls.call_id)
    GROUP BY timestamp, retries
    ORDER BY timestamp, retries
)
GROUP BY timestamp
ORDER BY timestamp
