-- Cost by team, or any other metadata key
-- What was spent under each value of a key of the callers' metadata, the dearest first; the empty value is calls
-- without the key.
--
-- Parameters:
--   since DateTime('UTC') = 7d   Calls that began then or later
--   until DateTime('UTC') = now  Up to then, which is not included
--   key String = team            Key of the metadata: `team`, `environment`, `_user`, …
--   model String = ''            Only this model, as asked for or as answered; empty for all
--   provider String = ''         Only this provider; empty for all
--   limit UInt32 = 50            Most rows
--
-- Columns:
--   value String                        Value of the key; empty for calls without it
--   calls UInt64                        Calls
--   users UInt64                        Different users, within a percent
--   tokens Nullable(Int64)              Input and output (tokens)
--   cost_usd Nullable(Decimal(38, 12))  What is known of their cost; NULL if nothing is (USD)
--   usd_per_call Nullable(Float64)      Known cost by calls (USD)
--   failed_share Float64                Share that failed, 0 to 1; a client that left is no failure
SELECT
    metadata[{key:String}] AS value,
    count() AS calls,
    uniq(user) AS users,
    sum(total_tokens) AS tokens,
    sum(cost_usd) AS cost_usd,
    round(toFloat64(cost_usd) / calls, 8) AS usd_per_call,
    round(countIf(outcome NOT IN ('ok', 'cache_hit', 'client_gone')) / calls, 4) AS failed_share
FROM llm.calls
WHERE started_at >= {since:DateTime('UTC')}
    AND started_at < {until:DateTime('UTC')}
    AND ({model:String} = '' OR request_model = {model:String} OR response_model = {model:String})
    AND ({provider:String} = '' OR provider = {provider:String})
GROUP BY value
ORDER BY cost_usd DESC NULLS LAST, calls DESC, value
LIMIT {limit:UInt32}
