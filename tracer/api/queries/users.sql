-- How many different users there were.
SELECT $timestamp AS timestamp, uniqExactIf(user, user != '') AS total
FROM llm.calls
WHERE $filters
GROUP BY timestamp
ORDER BY timestamp
