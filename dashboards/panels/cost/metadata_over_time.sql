-- The ten dearest values; the rest is one series.
SELECT
    time,
    multiIf(place > 10, 'others', value = '', 'without it', value) AS value,
    sum(spent) AS cost
FROM
(
    SELECT time, value, spent, dense_rank() OVER (ORDER BY total DESC, value ASC) AS place
    FROM
    (
        SELECT time, value, spent, sum(spent) OVER (PARTITION BY value) AS total
        FROM
        (
            SELECT
                $__timeInterval(started_at) AS time,
                metadata[${key:singlequote}] AS value,
                sum(toFloat64(cost_usd)) AS spent
            FROM llm.calls
            WHERE @chosen AND cost_usd > 0
            GROUP BY time, value
        )
    )
)
GROUP BY time, value
ORDER BY time, value
