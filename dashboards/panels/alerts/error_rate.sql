SELECT
    provider,
    countIf(@failed) / count() AS share
FROM llm.calls
WHERE $__timeFilter(started_at) AND outcome != 'refused'
GROUP BY provider
HAVING count() >= 20
