-- Most frequent errors
-- Errors by their words, with numbers and ids left out so that like ones count together.
--
-- Parameters:
--   since DateTime('UTC') = 7d   Calls that began then or later
--   until DateTime('UTC') = now  Up to then, which is not included
--   model String = ''            Only this model, as asked for or as answered; empty for all
--   provider String = ''         Only this provider; empty for all
--   limit UInt32 = 20            Most rows
--
-- Columns:
--   message String                     The error in words, with `#` for numbers and ids
--   error_type LowCardinality(String)  The provider's error type or code, or Tracer's
--   status_code UInt16                 HTTP status of one of them
--   calls UInt64                       Calls
--   users UInt64                       Different users
--   providers Array(String)            Providers, at most five
--   first_at DateTime64(6, 'UTC')      Start of the first
--   last_at DateTime64(6, 'UTC')       Start of the last
--   example UUID                       The newest call
SELECT
    replaceRegexpAll(error_message, '[0-9a-f-]*[0-9][0-9a-f-]*', '#') AS message,
    error_type,
    any(made.status_code) AS status_code,
    count() AS calls,
    uniqExact(user) AS users,
    groupUniqArray(5)(provider) AS providers,
    min(started_at) AS first_at,
    max(started_at) AS last_at,
    argMax(call_id, started_at) AS example
FROM llm.calls AS made
WHERE started_at >= {since:DateTime('UTC')}
    AND started_at < {until:DateTime('UTC')}
    AND ({model:String} = '' OR request_model = {model:String} OR response_model = {model:String})
    AND ({provider:String} = '' OR provider = {provider:String})
    AND outcome NOT IN ('ok', 'cache_hit', 'client_gone')
GROUP BY message, error_type
ORDER BY calls DESC, message, error_type
LIMIT {limit:UInt32}
