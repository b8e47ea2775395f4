SELECT
    @step AS time,
    outcome,
    sum(n) AS calls
FROM @minutes
GROUP BY time, outcome
ORDER BY time, outcome
