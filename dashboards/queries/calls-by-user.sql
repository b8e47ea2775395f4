-- Users
-- Who calls how often, with their sessions, models, failures and cost.
--
-- Parameters:
--   since DateTime('UTC') = 7d   Calls that began then or later
--   until DateTime('UTC') = now  Up to then, which is not included
--   model String = ''            Only this model, as asked for or as answered; empty for all
--   provider String = ''         Only this provider; empty for all
--   limit UInt32 = 50            Most rows
--
-- Columns:
--   user String                         User; empty if nobody was named
--   calls UInt64                        Calls
--   sessions UInt64                     Sessions, within a percent
--   traces UInt64                       Traces, within a percent
--   models UInt64                       Different models
--   failed_share Float64                Share that failed, 0 to 1; a client that left is no failure
--   cost_usd Nullable(Decimal(38, 12))  What is known of their cost; NULL if nothing is (USD)
--   first_at DateTime64(6, 'UTC')       Start of the first
--   last_at DateTime64(6, 'UTC')        Start of the last
SELECT
    user,
    count() AS calls,
    uniqIf(session_id, session_id != '') AS sessions,
    uniq(otel_trace_id) AS traces,
    uniqExact(request_model) AS models,
    round(countIf(outcome NOT IN ('ok', 'cache_hit', 'client_gone')) / calls, 4) AS failed_share,
    sum(made.cost_usd) AS cost_usd,
    min(started_at) AS first_at,
    max(started_at) AS last_at
FROM llm.calls AS made
WHERE started_at >= {since:DateTime('UTC')}
    AND started_at < {until:DateTime('UTC')}
    AND ({model:String} = '' OR request_model = {model:String} OR response_model = {model:String})
    AND ({provider:String} = '' OR provider = {provider:String})
GROUP BY user
ORDER BY calls DESC, user
LIMIT {limit:UInt32}
