-- What the list's filters suggest: names that occurred in the time.
SELECT
    arraySort(groupUniqArray(100)(request_model)) AS models,
    arraySort(groupUniqArray(40)(provider)) AS providers
FROM llm.calls
WHERE started_at >= {since:DateTime64(6, 'UTC')} AND started_at < {until:DateTime64(6, 'UTC')} AND $visible
