-- The keys of metadata that calls at the end of the time had.
SELECT arrayJoin(metadata.keys) AS key
FROM llm.calls
WHERE started_at >= greatest({since:DateTime64(6, 'UTC')}, {until:DateTime64(6, 'UTC')} - INTERVAL 2 DAY)
    AND started_at < {until:DateTime64(6, 'UTC')} AND $visible
GROUP BY key
ORDER BY startsWith(key, '_'), count() DESC, key
LIMIT 40
