SELECT
    provider,
    request_model AS model,
    quantileTDigest(0.95)(assumeNotNull(ttft_ms)) AS p95
FROM llm.calls
WHERE $__timeFilter(started_at) AND ttft_ms IS NOT NULL
GROUP BY provider, model
HAVING count() >= 20
