SELECT request_model
FROM llm.calls_by_hour
WHERE hour >= toStartOfHour($__fromTime) AND hour <= $__toTime AND $__conditionalAll(provider IN (${provider:singlequote}), $provider) AND request_model != ''
GROUP BY request_model
ORDER BY sum(calls) DESC
LIMIT 500
