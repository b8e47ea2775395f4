SELECT arrayJoin(mapKeys(metadata)) AS key
FROM llm.calls
WHERE $__timeFilter(started_at)
GROUP BY key
ORDER BY startsWith(key, '_'), count() DESC
LIMIT 100
