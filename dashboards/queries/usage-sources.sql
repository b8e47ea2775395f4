-- Where token counts come from
-- Answered calls by who counted their tokens: the provider, the provider until a stream broke off, an estimate, nobody.
--
-- Parameters:
--   since DateTime('UTC') = 7d   Calls that began then or later
--   until DateTime('UTC') = now  Up to then, which is not included
--   model String = ''            Only this model, as asked for or as answered; empty for all
--   provider String = ''         Only this provider; empty for all
--
-- Columns:
--   provider LowCardinality(String)      Slug of the provider
--   model String                         Model that was asked for
--   usage_source LowCardinality(String)  `provider`, `partial`, `estimated` or `none`
--   calls UInt64                         Calls
--   share Float64                        Their share of the model's calls, 0 to 1
--   noted UInt64                         Of these, those with something odd about the figures (`@usage-notes`)
--   total_tokens Nullable(Int64)         Input and output (tokens)
--   cost_usd Nullable(Decimal(38, 12))   Known cost (USD)
SELECT
    provider,
    if(request_model = '', 'none', request_model) AS model,
    usage_source,
    count() AS calls,
    round(calls / sum(count()) OVER (PARTITION BY provider, model), 4) AS share,
    countIf(usage_note != '') AS noted,
    sum(made.total_tokens) AS total_tokens,
    sum(made.cost_usd) AS cost_usd
FROM llm.calls AS made
WHERE started_at >= {since:DateTime('UTC')}
    AND started_at < {until:DateTime('UTC')}
    AND ({model:String} = '' OR request_model = {model:String} OR response_model = {model:String})
    AND ({provider:String} = '' OR provider = {provider:String})
    AND operation != ''
    AND outcome IN ('ok', 'stream_error', 'client_gone')
GROUP BY provider, model, usage_source
ORDER BY provider, model, calls DESC, usage_source
