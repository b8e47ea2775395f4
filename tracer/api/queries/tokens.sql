-- Tokens, in all and per call that reported any.
SELECT $timestamp AS timestamp, ifNull(sum(total_tokens), 0) AS total, avg(total_tokens) AS avg
FROM llm.calls
WHERE $filters
GROUP BY timestamp
ORDER BY timestamp
