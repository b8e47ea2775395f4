SELECT outcome
FROM llm.calls_by_hour
WHERE hour >= toStartOfHour($__fromTime) AND hour <= $__toTime
GROUP BY outcome
ORDER BY sum(calls) DESC
