-- What Tracer's cache saved
-- Calls that Tracer answered from its cache and what they would have cost, by day and model.
--
-- Parameters:
--   since DateTime('UTC') = 30d  Calls that began in that hour or later
--   until DateTime('UTC') = now  Up to then, which is not included
--   model String = ''            Only this model, as asked for or as answered; empty for all
--   provider String = ''         Only this provider; empty for all
--
-- Columns:
--   day Date                             Day, UTC
--   provider LowCardinality(String)      Slug of the provider
--   model String                         Model that was asked for
--   hits UInt64                          Calls answered from the cache
--   hit_share Float64                    Share of all calls of that model, 0 to 1
--   saved_usd Nullable(Decimal(38, 12))  What Tracer's cache saved (USD)
--   cost_usd Nullable(Decimal(38, 12))   What the others cost (USD)
SELECT
    toDate(hour) AS day,
    provider,
    if(request_model = '', 'none', request_model) AS model,
    sumIf(made.calls, outcome = 'cache_hit') AS hits,
    round(hits / sum(made.calls), 4) AS hit_share,
    sum(saved_usd) AS saved_usd,
    sum(cost_usd) AS cost_usd
FROM llm.calls_by_hour AS made
WHERE hour >= toStartOfHour({since:DateTime('UTC')})
    AND hour < {until:DateTime('UTC')}
    AND ({model:String} = '' OR request_model = {model:String} OR response_model = {model:String})
    AND ({provider:String} = '' OR provider = {provider:String})
GROUP BY day, provider, model
HAVING hits > 0
ORDER BY day, saved_usd DESC NULLS LAST, provider, model
