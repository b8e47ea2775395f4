SELECT
    @step AS time,
    @model AS model,
    system_fingerprint AS fingerprint,
    sum(usd) / sum(n) AS cost
FROM @hours
WHERE system_fingerprint != '' AND outcome = 'ok'
GROUP BY time, model, fingerprint
HAVING isFinite(cost)
ORDER BY time, model, fingerprint
