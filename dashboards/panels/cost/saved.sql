SELECT
    @step AS time,
    ifNull(sum(usd_saved), 0) AS saved,
    sumIf(n, outcome = 'cache_hit') AS hits
FROM @minutes
GROUP BY time
ORDER BY time
