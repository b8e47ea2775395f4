-- Cost by model
-- What each model cost, the dearest first; calls whose cost is unknown are counted apart.
--
-- Parameters:
--   since DateTime('UTC') = 7d   Calls that began in that minute or later
--   until DateTime('UTC') = now  Up to then, which is not included
--   model String = ''            Only this model, as asked for or as answered; empty for all
--   provider String = ''         Only this provider; empty for all
--
-- Columns:
--   provider LowCardinality(String)       Slug of the provider
--   model String                          Model that was asked for
--   calls UInt64                          Calls
--   unpriced UInt64                       Answered calls whose cost is unknown
--   input_tokens Int64                    Input (tokens)
--   cache_read_tokens Int64               Input that the provider read from its cache (tokens)
--   output_tokens Int64                   Output (tokens)
--   cost_usd Nullable(Decimal(38, 12))    What is known of their cost; NULL if nothing is (USD)
--   usd_per_call Nullable(Float64)        Known cost by calls (USD)
--   saved_usd Nullable(Decimal(38, 12))   What Tracer's cache saved (USD)
--   wasted_usd Nullable(Decimal(38, 12))  Paid for answers that nobody received whole (USD)
SELECT
    provider,
    if(request_model = '', 'none', request_model) AS model,
    sum(calls) AS calls,
    sum(unpriced) AS unpriced,
    sum(input_tokens) AS input_tokens,
    sum(cache_read_tokens) AS cache_read_tokens,
    sum(output_tokens) AS output_tokens,
    sum(cost_usd) AS cost_usd,
    round(toFloat64(cost_usd) / calls, 8) AS usd_per_call,
    sum(saved_usd) AS saved_usd,
    sum(wasted_usd) AS wasted_usd
FROM llm.calls_by_minute
WHERE minute >= toStartOfMinute({since:DateTime('UTC')})
    AND minute < {until:DateTime('UTC')}
    AND ({model:String} = '' OR request_model = {model:String} OR response_model = {model:String})
    AND ({provider:String} = '' OR provider = {provider:String})
GROUP BY provider, model
ORDER BY cost_usd DESC NULLS LAST, calls DESC, provider, model
