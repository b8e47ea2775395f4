-- How many users there were.
SELECT uniqIf(user, user != '') AS users
FROM llm.calls
WHERE started_at >= {since:DateTime64(6, 'UTC')} AND started_at < {until:DateTime64(6, 'UTC')} AND $visible
