SELECT
    @step AS time,
    @model AS model,
    system_fingerprint AS fingerprint,
    quantilesTDigestMerge(0.5, 0.95, 0.99)(ttft_state)[1] AS p50
FROM @hours
WHERE system_fingerprint != '' AND outcome = 'ok'
GROUP BY time, model, fingerprint
HAVING isFinite(p50)
ORDER BY time, model, fingerprint
