-- Calls that failed.
SELECT $timestamp AS timestamp, countIf($failed) AS total
FROM llm.calls
WHERE $filters
GROUP BY timestamp
ORDER BY timestamp
