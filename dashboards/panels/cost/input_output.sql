SELECT
    @step AS time,
    sum(usd_input) AS input,
    sum(usd_output) AS output
FROM @minutes
GROUP BY time
ORDER BY time
