-- How the calls of the time ended, the most frequent end first.
SELECT outcome, count() AS calls
FROM llm.calls
WHERE started_at >= {since:DateTime64(6, 'UTC')} AND started_at < {until:DateTime64(6, 'UTC')} AND $visible
GROUP BY outcome
ORDER BY calls DESC
