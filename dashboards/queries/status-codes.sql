-- Status codes
-- Which HTTP status the clients got, by provider.
--
-- Parameters:
--   since DateTime('UTC') = 7d   Calls that began then or later
--   until DateTime('UTC') = now  Up to then, which is not included
--   model String = ''            Only this model, as asked for or as answered; empty for all
--   provider String = ''         Only this provider; empty for all
--
-- Columns:
--   provider LowCardinality(String)  Slug of the provider
--   status_code UInt16               HTTP status that the client got; 0 if it left before
--   calls UInt64                     Calls
--   share Float64                    Share of the provider's calls, 0 to 1
--   error_types Array(String)        The most frequent error types
--   duration_p50_ms Float32          Whole calls, median (ms)
SELECT
    provider,
    status_code,
    count() AS calls,
    round(count() / sum(count()) OVER (PARTITION BY provider), 4) AS share,
    topK(3)(error_type) AS error_types,
    round(quantileTDigest(0.5)(duration_ms), 1) AS duration_p50_ms
FROM llm.calls
WHERE started_at >= {since:DateTime('UTC')}
    AND started_at < {until:DateTime('UTC')}
    AND ({model:String} = '' OR request_model = {model:String} OR response_model = {model:String})
    AND ({provider:String} = '' OR provider = {provider:String})
GROUP BY provider, status_code
ORDER BY provider, calls DESC, status_code
