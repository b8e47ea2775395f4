-- How the calls ended
-- Each way that calls ended, with its share of its provider's calls and an example of its words.
--
-- Parameters:
--   since DateTime('UTC') = 7d   Calls that began then or later
--   until DateTime('UTC') = now  Up to then, which is not included
--   model String = ''            Only this model, as asked for or as answered; empty for all
--   provider String = ''         Only this provider; empty for all
--
-- Columns:
--   provider LowCardinality(String)    Slug of the provider
--   outcome LowCardinality(String)     How it ended
--   status_code UInt16                 HTTP status that the client got; 0 if it left before
--   error_type LowCardinality(String)  The provider's error type or code, or Tracer's
--   calls UInt64                       Calls
--   share Float64                      Share of the provider's calls, 0 to 1
--   example String                     One of its messages
--   last_at DateTime64(6, 'UTC')       Start of the last
SELECT
    provider,
    outcome,
    status_code,
    error_type,
    count() AS calls,
    round(count() / sum(count()) OVER (PARTITION BY provider), 4) AS share,
    anyLast(error_message) AS example,
    max(started_at) AS last_at
FROM llm.calls
WHERE started_at >= {since:DateTime('UTC')}
    AND started_at < {until:DateTime('UTC')}
    AND ({model:String} = '' OR request_model = {model:String} OR response_model = {model:String})
    AND ({provider:String} = '' OR provider = {provider:String})
GROUP BY provider, outcome, status_code, error_type
ORDER BY calls DESC, provider, outcome, status_code, error_type
