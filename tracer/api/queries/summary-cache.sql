-- Answers from the cache, and how much sooner they ended than answers of providers, in percent.
SELECT
    countIf(cache_status IN ('HIT', 'SEMANTIC HIT')) AS hits,
    avgIf(duration_ms, cache_status IN ('HIT', 'SEMANTIC HIT')) AS avg_latency,
    count() AS total_requests,
    (1 - avg_latency / avgIf(duration_ms, cache_status NOT IN ('HIT', 'SEMANTIC HIT'))) * 100 AS cache_speedup
FROM llm.calls
WHERE $filters
