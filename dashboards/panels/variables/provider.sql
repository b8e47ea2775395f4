SELECT provider
FROM llm.calls_by_hour
WHERE hour >= toStartOfHour($__fromTime) AND hour <= $__toTime AND provider != ''
GROUP BY provider
ORDER BY sum(calls) DESC
