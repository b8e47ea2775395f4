-- Calls without a price
-- Answered calls whose cost is unknown, and why: add their models to your own price table.
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
--   answered_by LowCardinality(String)   Model that answered
--   reason LowCardinality(String)        Why there is no price
--   usage_source LowCardinality(String)  Where the token counts come from
--   calls UInt64                         Calls
--   input_tokens Nullable(Int64)         Input (tokens)
--   output_tokens Nullable(Int64)        Output (tokens)
--   last_at DateTime64(6, 'UTC')         Start of the last
SELECT
    provider,
    if(request_model = '', 'none', request_model) AS model,
    response_model AS answered_by,
    price_source AS reason,
    usage_source,
    count() AS calls,
    sum(made.input_tokens) AS input_tokens,
    sum(made.output_tokens) AS output_tokens,
    max(started_at) AS last_at
FROM llm.calls AS made
WHERE started_at >= {since:DateTime('UTC')}
    AND started_at < {until:DateTime('UTC')}
    AND ({model:String} = '' OR request_model = {model:String} OR response_model = {model:String})
    AND ({provider:String} = '' OR provider = {provider:String})
    AND cost_usd IS NULL
    AND operation != ''
    AND outcome IN ('ok', 'stream_error', 'client_gone')
GROUP BY provider, model, answered_by, reason, usage_source
ORDER BY calls DESC, provider, model, reason, usage_source
