-- What calls cost, in US cents, in all and each; calls whose price is unknown are counted apart and are not in the average.
SELECT
    $timestamp AS timestamp,
    toFloat64(sum(cost_usd) * 100) AS total,
    avg(cost_usd) * 100 AS avg,
    countIf(cost_usd IS NULL) AS unpriced
FROM llm.calls
WHERE $filters
GROUP BY timestamp
ORDER BY timestamp
