-- Cost by key
-- What was spent with each of Tracer's keys, the dearest first.
--
-- Parameters:
--   since DateTime('UTC') = 30d  Calls that began in that hour or later
--   until DateTime('UTC') = now  Up to then, which is not included
--   model String = ''            Only this model, as asked for or as answered; empty for all
--   provider String = ''         Only this provider; empty for all
--
-- Columns:
--   key_id LowCardinality(String)       Public id of the key that the callers used; empty for none
--   calls UInt64                        Calls
--   unpriced UInt64                     Answered calls whose cost is unknown
--   tokens Int64                        Input and output (tokens)
--   cost_usd Nullable(Decimal(38, 12))  What is known of their cost; NULL if nothing is (USD)
--   usd_per_call Nullable(Float64)      Known cost by calls (USD)
--   failed_share Float64                Share that failed, 0 to 1; a client that left is no failure
--   last_at DateTime64(6, 'UTC')        Start of the last
SELECT
    key_id,
    sum(made.calls) AS calls,
    sum(unpriced) AS unpriced,
    sum(input_tokens) + sum(output_tokens) AS tokens,
    sum(cost_usd) AS cost_usd,
    round(toFloat64(cost_usd) / calls, 8) AS usd_per_call,
    round(sumIf(made.calls, outcome NOT IN ('ok', 'cache_hit', 'client_gone')) / calls, 4) AS failed_share,
    toDateTime64(max(made.last_at), 6, 'UTC') AS last_at
FROM llm.calls_by_hour AS made
WHERE hour >= toStartOfHour({since:DateTime('UTC')})
    AND hour < {until:DateTime('UTC')}
    AND ({model:String} = '' OR request_model = {model:String} OR response_model = {model:String})
    AND ({provider:String} = '' OR provider = {provider:String})
GROUP BY key_id
ORDER BY cost_usd DESC NULLS LAST, calls DESC, key_id
