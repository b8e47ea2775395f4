-- Cost by day
-- What each day (UTC) cost, split into input and output, with what the cache saved and what was wasted.
--
-- Parameters:
--   since DateTime('UTC') = 30d  Calls that began in that hour or later
--   until DateTime('UTC') = now  Up to then, which is not included
--   model String = ''            Only this model, as asked for or as answered; empty for all
--   provider String = ''         Only this provider; empty for all
--
-- Columns:
--   day Date                                   Day, UTC
--   calls UInt64                               Calls
--   unpriced UInt64                            Answered calls whose cost is unknown
--   cost_usd Nullable(Decimal(38, 12))         What is known of their cost; NULL if nothing is (USD)
--   input_cost_usd Nullable(Decimal(38, 12))   Part of it for input (USD)
--   output_cost_usd Nullable(Decimal(38, 12))  Part of it for output (USD)
--   saved_usd Nullable(Decimal(38, 12))        What Tracer's cache saved (USD)
--   wasted_usd Nullable(Decimal(38, 12))       Paid for answers that nobody received whole (USD)
SELECT
    toDate(hour) AS day,
    sum(calls) AS calls,
    sum(unpriced) AS unpriced,
    sum(cost_usd) AS cost_usd,
    sum(input_cost_usd) AS input_cost_usd,
    sum(output_cost_usd) AS output_cost_usd,
    sum(saved_usd) AS saved_usd,
    sum(wasted_usd) AS wasted_usd
FROM llm.calls_by_hour
WHERE hour >= toStartOfHour({since:DateTime('UTC')})
    AND hour < {until:DateTime('UTC')}
    AND ({model:String} = '' OR request_model = {model:String} OR response_model = {model:String})
    AND ({provider:String} = '' OR provider = {provider:String})
GROUP BY day
ORDER BY day
