SELECT
    @step AS time,
    @model AS model,
    sum(usd) AS cost
FROM @minutes
GROUP BY time, model
HAVING cost > 0
ORDER BY time, model
