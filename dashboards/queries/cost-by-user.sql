-- Cost by user
-- Who spent how much, the dearest first; calls of nobody in particular are one row.
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
--   traces UInt64                       Traces, within a percent
--   tokens Nullable(Int64)              Input and output (tokens)
--   cost_usd Nullable(Decimal(38, 12))  What is known of their cost; NULL if nothing is (USD)
--   usd_per_call Nullable(Float64)      Known cost by calls (USD)
--   last_at DateTime64(6, 'UTC')        Start of the last
SELECT
    user,
    count() AS calls,
    uniq(otel_trace_id) AS traces,
    sum(total_tokens) AS tokens,
    sum(cost_usd) AS cost_usd,
    round(toFloat64(cost_usd) / calls, 8) AS usd_per_call,
    max(started_at) AS last_at
FROM llm.calls
WHERE started_at >= {since:DateTime('UTC')}
    AND started_at < {until:DateTime('UTC')}
    AND ({model:String} = '' OR request_model = {model:String} OR response_model = {model:String})
    AND ({provider:String} = '' OR provider = {provider:String})
GROUP BY user
ORDER BY cost_usd DESC NULLS LAST, calls DESC, user
LIMIT {limit:UInt32}
