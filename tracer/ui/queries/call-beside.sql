-- The calls right before and right after one, of all that the reader sees.
SELECT 'newer' AS side, call_id
FROM
(
    SELECT call_id
    FROM llm.calls
    WHERE started_at >= {started_at:DateTime64(6, 'UTC')} AND (started_at, call_id) > ({started_at:DateTime64(6, 'UTC')}, {call_id:UUID}) AND $visible
    ORDER BY started_at, call_id
    LIMIT 1
)
UNION ALL
SELECT 'older' AS side, call_id
FROM
(
    SELECT call_id
    FROM llm.calls
    WHERE started_at <= {started_at:DateTime64(6, 'UTC')} AND (started_at, call_id) < ({started_at:DateTime64(6, 'UTC')}, {call_id:UUID}) AND $visible
    ORDER BY started_at DESC, call_id DESC
    LIMIT 1
)
