-- Answers from the cache, in percent of all calls, and what they have saved so far in US cents.
SELECT
    timestamp,
    simple_hits,
    semantic_hits,
    simple_hits + semantic_hits AS total,
    total * 100 / calls AS rate,
    toFloat64(sum(simple_saved) OVER (ORDER BY timestamp)) AS cumulative_simple_cache_savings,
    toFloat64(sum(semantic_saved) OVER (ORDER BY timestamp)) AS cumulative_semantic_cache_savings
FROM
(
    SELECT
        $timestamp AS timestamp,
        count() AS calls,
        countIf(cache_status = 'HIT') AS simple_hits,
        countIf(cache_status = 'SEMANTIC HIT') AS semantic_hits,
        sumIf(ifNull(saved_usd, 0), cache_status = 'HIT') * 100 AS simple_saved,
        sumIf(ifNull(saved_usd, 0), cache_status = 'SEMANTIC HIT') * 100 AS semantic_saved
    FROM llm.calls
    WHERE $filters
    GROUP BY timestamp
)
ORDER BY timestamp
