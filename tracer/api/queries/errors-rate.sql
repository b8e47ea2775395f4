-- Calls that failed, in percent of all.
SELECT $timestamp AS timestamp, countIf($failed) * 100 / count() AS rate
FROM llm.calls
WHERE $filters
GROUP BY timestamp
ORDER BY timestamp
