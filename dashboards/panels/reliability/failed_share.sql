SELECT
    @step AS time,
    provider,
    sumIf(n, @failed) / sum(n) AS failed
FROM @minutes
WHERE outcome != 'refused' AND provider != ''
GROUP BY time, provider
ORDER BY time, provider
