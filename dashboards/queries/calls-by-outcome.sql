-- How the calls ended since a time, with each ending's share of its provider's calls and an example of its words.
SELECT
    provider,
    outcome,
    status_code,
    error_type,
    count() AS calls,
    count() / sum(count()) OVER (PARTITION BY provider) AS share,
    anyLast(error_message) AS example,
    max(started_at) AS last_at
FROM llm.calls
WHERE started_at >= {since:DateTime}
GROUP BY provider, outcome, status_code, error_type
ORDER BY calls DESC, provider, outcome, status_code, error_type
