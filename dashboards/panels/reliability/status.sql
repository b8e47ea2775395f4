SELECT
    $__timeInterval(started_at) AS time,
    if(status_code = 0, 'none', toString(status_code)) AS status,
    count() AS calls
FROM llm.calls
WHERE @chosen
GROUP BY time, status
ORDER BY time, status
