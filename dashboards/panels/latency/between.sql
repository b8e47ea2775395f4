WITH arrayCumSum(sumForEachMerge(gaps_state)) AS reached
SELECT
    @step AS time,
    @gap_p50 AS p50,
    @gap_p95 AS p95,
    @gap_p99 AS p99
FROM @minute_times
GROUP BY time
HAVING notEmpty(reached)
ORDER BY time
