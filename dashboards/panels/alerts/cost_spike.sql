-- The last hour against the same hour of the seven days before: those of them on which the provider was used.
SELECT
    provider,
    toFloat64(now_usd) / (toFloat64(before_usd) / days) AS times
FROM
(
    SELECT
        provider,
        sumIf(cost_usd, minute >= $__fromTime) AS now_usd,
        sumIf(cost_usd, minute < $__fromTime) AS before_usd,
        uniqExactIf(intDiv(dateDiff('second', minute, $__fromTime), 86400), minute < $__fromTime) AS days
    FROM llm.calls_by_minute
    WHERE minute >= $__fromTime - INTERVAL 7 DAY
        AND minute <= $__toTime
        AND cost_usd > 0
        AND (minute >= $__fromTime OR positiveModulo(dateDiff('second', $__fromTime, minute), 86400) < 3600)
    GROUP BY provider
)
WHERE days >= 2 AND now_usd >= 1
