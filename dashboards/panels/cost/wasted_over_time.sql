SELECT
    @step AS time,
    outcome,
    sum(usd_wasted) AS wasted
FROM @minutes
GROUP BY time, outcome
HAVING wasted > 0
ORDER BY time, outcome
