-- How many calls there were.
SELECT $timestamp AS timestamp, count() AS total
FROM llm.calls
WHERE $filters
GROUP BY timestamp
ORDER BY timestamp
