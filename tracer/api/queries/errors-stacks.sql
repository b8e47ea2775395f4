-- Calls that failed, by the status that their callers got.
SELECT
    timestamp,
    sum(failures) AS total,
    groupArray(CAST((status_code, failures), 'Tuple(response_status_code UInt16, count UInt64)')) AS stats
FROM
(
    SELECT $timestamp AS timestamp, status_code, count() AS failures
    FROM llm.calls
    WHERE $filters AND $failed
    GROUP BY timestamp, status_code
    ORDER BY timestamp, status_code
)
GROUP BY timestamp
ORDER BY timestamp
