-- Money for nothing
-- What was paid for answers that nobody received whole, and what was asked again: by cause and model.
--
-- Parameters:
--   since DateTime('UTC') = 7d   Calls that began then or later
--   until DateTime('UTC') = now  Up to then, which is not included
--   model String = ''            Only this model, as asked for or as answered; empty for all
--   provider String = ''         Only this provider; empty for all
--
-- Columns:
--   cause String                          `client left`, `stream broke`, `timed out`, `asked again` (an SDK's second try, which went well), `failed`
--   provider LowCardinality(String)       Slug of the provider
--   model String                          Model that was asked for
--   calls UInt64                          Calls
--   wasted_usd Nullable(Decimal(38, 12))  Paid for answers that nobody received whole (USD)
--   output_tokens Nullable(Int64)         Output that was made for it (tokens)
--   seconds Float64                       Time that callers waited for it (s)
SELECT
    multiIf(
        outcome = 'client_gone', 'client left',
        outcome = 'stream_error', 'stream broke',
        outcome = 'timeout', 'timed out',
        attempt > 0, 'asked again',
        'failed'
    ) AS cause,
    provider,
    if(request_model = '', 'none', request_model) AS model,
    count() AS calls,
    sum(coalesce(made.wasted_usd, if(outcome IN ('client_gone', 'stream_error', 'timeout'), cost_usd, NULL))) AS wasted_usd,
    sum(made.output_tokens) AS output_tokens,
    sum(duration_ms) / 1000 AS seconds
FROM llm.calls AS made
WHERE started_at >= {since:DateTime('UTC')}
    AND started_at < {until:DateTime('UTC')}
    AND ({model:String} = '' OR request_model = {model:String} OR response_model = {model:String})
    AND ({provider:String} = '' OR provider = {provider:String})
    AND (outcome NOT IN ('ok', 'cache_hit', 'refused') OR attempt > 0)
GROUP BY cause, provider, model
ORDER BY wasted_usd DESC NULLS LAST, calls DESC, cause, provider, model
