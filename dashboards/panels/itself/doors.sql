SELECT
    $__timeInterval(started_at) AS time,
    door,
    count() AS calls
FROM llm.calls
WHERE $__timeFilter(started_at)
GROUP BY time, door
ORDER BY time, door
