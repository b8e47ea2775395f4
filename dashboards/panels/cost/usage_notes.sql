-- What is odd about providers' figures, numbers taken out so that the same oddity is one line.
SELECT
    provider,
    @model AS model,
    replaceRegexpAll(usage_note, '[0-9]+', '#') AS note,
    count() AS calls,
    max(started_at) AS last_call
FROM llm.calls
WHERE @chosen AND usage_note != ''
GROUP BY provider, model, note
ORDER BY calls DESC
LIMIT 100
