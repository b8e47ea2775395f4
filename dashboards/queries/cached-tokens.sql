-- Input from the providers' caches
-- How much of each model's input the provider read from its own prompt cache, where it is cheaper.
--
-- Parameters:
--   since DateTime('UTC') = 7d   Calls that began in that minute or later
--   until DateTime('UTC') = now  Up to then, which is not included
--   model String = ''            Only this model, as asked for or as answered; empty for all
--   provider String = ''         Only this provider; empty for all
--
-- Columns:
--   provider LowCardinality(String)           Slug of the provider
--   model String                              Model that was asked for
--   input_tokens Int64                        Input (tokens)
--   cache_read_tokens Int64                   Input that the provider read from its cache (tokens)
--   cache_write_tokens Int64                  Input that the provider wrote into its cache (tokens)
--   read_share Float64                        Share of the input that was read from it, 0 to 1
--   input_cost_usd Nullable(Decimal(38, 12))  What the input cost (USD)
--   usd_per_million Nullable(Float64)         What a million input tokens cost in the end (USD)
SELECT
    provider,
    if(request_model = '', 'none', request_model) AS model,
    sum(made.input_tokens) AS input_tokens,
    sum(made.cache_read_tokens) AS cache_read_tokens,
    sum(made.cache_write_tokens) AS cache_write_tokens,
    round(cache_read_tokens / input_tokens, 4) AS read_share,
    sum(input_cost_usd) AS input_cost_usd,
    toFloat64(input_cost_usd) / input_tokens * 1000000 AS usd_per_million
FROM llm.calls_by_minute AS made
WHERE minute >= toStartOfMinute({since:DateTime('UTC')})
    AND minute < {until:DateTime('UTC')}
    AND ({model:String} = '' OR request_model = {model:String} OR response_model = {model:String})
    AND ({provider:String} = '' OR provider = {provider:String})
GROUP BY provider, model
HAVING input_tokens > 0
ORDER BY input_tokens DESC, provider, model
