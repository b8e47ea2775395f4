-- Milliseconds to the end of an answer from the cache.
SELECT $timestamp AS timestamp, avg(duration_ms) AS avg
FROM llm.calls
WHERE $filters AND cache_status IN ('HIT', 'SEMANTIC HIT')
GROUP BY timestamp
ORDER BY timestamp
