-- Cost by provider
-- What each provider cost and its share of the bill, the dearest first.
--
-- Parameters:
--   since DateTime('UTC') = 7d   Calls that began in that minute or later
--   until DateTime('UTC') = now  Up to then, which is not included
--   model String = ''            Only this model, as asked for or as answered; empty for all
--
-- Columns:
--   provider LowCardinality(String)       Slug of the provider
--   calls UInt64                          Calls
--   unpriced UInt64                       Answered calls whose cost is unknown
--   tokens Int64                          Input and output (tokens)
--   cost_usd Nullable(Decimal(38, 12))    What is known of their cost; NULL if nothing is (USD)
--   share Nullable(Float64)               Share of all that is known of the cost, 0 to 1
--   wasted_usd Nullable(Decimal(38, 12))  Paid for answers that nobody received whole (USD)
SELECT
    provider,
    sum(calls) AS calls,
    sum(unpriced) AS unpriced,
    sum(input_tokens) + sum(output_tokens) AS tokens,
    sum(cost_usd) AS cost_usd,
    round(toFloat64(cost_usd) / nullIf(sum(toFloat64(cost_usd)) OVER (), 0), 4) AS share,
    sum(wasted_usd) AS wasted_usd
FROM llm.calls_by_minute
WHERE minute >= toStartOfMinute({since:DateTime('UTC')})
    AND minute < {until:DateTime('UTC')}
    AND ({model:String} = '' OR request_model = {model:String} OR response_model = {model:String})
    AND provider != ''
GROUP BY provider
ORDER BY cost_usd DESC NULLS LAST, calls DESC, provider
