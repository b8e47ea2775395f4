-- From the sums of hours: what the month has cost, and at the pace of the last seven days until its end. Not of users or metadata.
WITH
    toStartOfMonth($__toTime) AS month,
    month + INTERVAL 1 MONTH AS next_month,
    toDateTime(month) AS begin,
    toDateTime(next_month) AS end
SELECT
    toFloat64(sumIf(cost_usd, hour >= begin)) AS month_so_far,
    month_so_far + last_week / 604800 * dateDiff('second', $__toTime, end) AS forecast,
    toFloat64(sumIf(cost_usd, hour >= begin - INTERVAL 1 MONTH AND hour < begin)) AS last_month,
    toFloat64(sumIf(cost_usd, hour >= $__toTime - INTERVAL 7 DAY)) AS last_week
FROM llm.calls_by_hour
WHERE hour >= least(begin - INTERVAL 1 MONTH, $__toTime - INTERVAL 7 DAY) AND hour <= $__toTime AND @named
