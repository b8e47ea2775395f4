-- By model and not by fingerprint: most calls that fail have none.
SELECT
    @step AS time,
    @model AS model,
    sumIf(n, @failed) / sum(n) AS failed
FROM @minutes
WHERE request_model GLOBAL IN (SELECT request_model FROM llm.calls_by_hour WHERE system_fingerprint != '')
GROUP BY time, model
ORDER BY time, model
