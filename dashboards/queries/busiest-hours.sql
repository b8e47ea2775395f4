-- Busiest hours of the week
-- Calls by day of the week and hour of the day, the mean over the weeks asked for.
--
-- Parameters:
--   since DateTime('UTC') = 28d  Calls that began in that hour or later
--   until DateTime('UTC') = now  Up to then, which is not included
--   model String = ''            Only this model, as asked for or as answered; empty for all
--   provider String = ''         Only this provider; empty for all
--
-- Columns:
--   weekday UInt8                       1 is Monday, 7 is Sunday
--   hour_of_day UInt8                   0 to 23, UTC
--   calls_per_hour Float64              Mean of such hours in which there was any call
--   cost_usd Nullable(Decimal(38, 12))  What is known of their cost; NULL if nothing is (USD)
SELECT
    toDayOfWeek(hour) AS weekday,
    toHour(hour) AS hour_of_day,
    round(sum(made.calls) / uniqExact(toDate(hour)), 1) AS calls_per_hour,
    sum(cost_usd) AS cost_usd
FROM llm.calls_by_hour AS made
WHERE hour >= toStartOfHour({since:DateTime('UTC')})
    AND hour < {until:DateTime('UTC')}
    AND ({model:String} = '' OR request_model = {model:String} OR response_model = {model:String})
    AND ({provider:String} = '' OR provider = {provider:String})
GROUP BY weekday, hour_of_day
ORDER BY weekday, hour_of_day
