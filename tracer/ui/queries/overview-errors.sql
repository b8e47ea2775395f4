-- What went wrong most often, with the newest call of each kind.
SELECT
    outcome,
    status_code,
    error_type,
    count() AS calls,
    max(started_at) AS last_seen,
    argMax(call_id, started_at) AS call_id,
    argMax(error_message, started_at) AS error_message
FROM llm.calls
WHERE started_at >= {since:DateTime64(6, 'UTC')} AND started_at < {until:DateTime64(6, 'UTC')}
    AND outcome NOT IN ('ok', 'cache_hit', 'client_gone') AND $visible
GROUP BY outcome, status_code, error_type
ORDER BY calls DESC
LIMIT 8
