-- Calls of known users, how many users, and calls for each.
SELECT
    $timestamp AS timestamp,
    countIf(user != '') AS total,
    uniqExactIf(user, user != '') AS unique,
    if(unique = 0, NULL, total / unique) AS avg
FROM llm.calls
WHERE $filters
GROUP BY timestamp
ORDER BY timestamp
