-- Timeouts
-- Calls that were given up, by host and kind.
--
-- Parameters:
--   since DateTime('UTC') = 7d   Calls that began then or later
--   until DateTime('UTC') = now  Up to then, which is not included
--   model String = ''            Only this model, as asked for or as answered; empty for all
--   provider String = ''         Only this provider; empty for all
--
-- Columns:
--   provider LowCardinality(String)    Slug of the provider
--   upstream LowCardinality(String)    Host that was asked
--   error_type LowCardinality(String)  The provider's error type or code, or Tracer's
--   calls UInt64                       Calls
--   models UInt64                      Different models
--   after_p50_ms Float32               When they were given up, median (ms)
--   first_at DateTime64(6, 'UTC')      Start of the first
--   last_at DateTime64(6, 'UTC')       Start of the last
SELECT
    provider,
    upstream,
    error_type,
    count() AS calls,
    uniqExact(request_model) AS models,
    round(quantileTDigest(0.5)(duration_ms)) AS after_p50_ms,
    min(started_at) AS first_at,
    max(started_at) AS last_at
FROM llm.calls
WHERE started_at >= {since:DateTime('UTC')}
    AND started_at < {until:DateTime('UTC')}
    AND ({model:String} = '' OR request_model = {model:String} OR response_model = {model:String})
    AND ({provider:String} = '' OR provider = {provider:String})
    AND outcome = 'timeout'
GROUP BY provider, upstream, error_type
ORDER BY calls DESC, provider, upstream, error_type
