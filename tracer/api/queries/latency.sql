-- Milliseconds to the answer: to the first token of a stream, to the end of everything else.
SELECT
    $timestamp AS timestamp,
    avg($response_time) AS avg,
    quantileTDigest(0.5)($response_time) AS p50,
    quantileTDigest(0.9)($response_time) AS p90,
    quantileTDigest(0.99)($response_time) AS p99
FROM llm.calls
WHERE $filters
GROUP BY timestamp
ORDER BY timestamp
