SELECT metadata[${key:singlequote}] AS value
FROM llm.calls
WHERE $__timeFilter(started_at) AND mapContains(metadata, ${key:singlequote})
GROUP BY value
ORDER BY count() DESC
LIMIT 300
