SELECT
    @step AS time,
    @model AS model,
    system_fingerprint AS fingerprint,
    sum(n) AS calls
FROM @hours
WHERE system_fingerprint != ''
GROUP BY time, model, fingerprint
ORDER BY time, model, fingerprint
