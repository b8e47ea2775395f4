-- Since when there are calls; the first page says something else if there is none.
SELECT toUnixTimestamp(min(hour)) AS since, sum(calls) AS calls
FROM llm.calls_by_hour
WHERE $visible
