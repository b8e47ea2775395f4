-- Hits of Tracer's cache
-- Of the calls that asked Tracer's cache, how many it answered, by prompt and model.
--
-- Parameters:
--   since DateTime('UTC') = 7d   Calls that began then or later
--   until DateTime('UTC') = now  Up to then, which is not included
--   model String = ''            Only this model, as asked for or as answered; empty for all
--   provider String = ''         Only this provider; empty for all
--
-- Columns:
--   prompt_id String                     Prompt template; empty for none
--   model String                         Model that was asked for
--   hits UInt64                          Calls that it answered
--   misses UInt64                        Calls that it could not answer, or was told not to
--   hit_share Float64                    Share of hits, 0 to 1
--   saved_usd Nullable(Decimal(38, 12))  What Tracer's cache saved (USD)
--   hit_p50_ms Float32                   Duration of hits, median (ms)
--   miss_p50_ms Float32                  Duration of the others, median (ms)
SELECT
    prompt_id,
    if(request_model = '', 'none', request_model) AS model,
    countIf(cache_status IN ('HIT', 'SEMANTIC HIT')) AS hits,
    countIf(cache_status IN ('MISS', 'SEMANTIC MISS', 'REFRESH')) AS misses,
    round(hits / (hits + misses), 4) AS hit_share,
    sum(made.saved_usd) AS saved_usd,
    round(quantileTDigestIf(0.5)(duration_ms, cache_status IN ('HIT', 'SEMANTIC HIT')), 2) AS hit_p50_ms,
    round(quantileTDigestIf(0.5)(duration_ms, cache_status IN ('MISS', 'SEMANTIC MISS', 'REFRESH')), 1) AS miss_p50_ms
FROM llm.calls AS made
WHERE started_at >= {since:DateTime('UTC')}
    AND started_at < {until:DateTime('UTC')}
    AND ({model:String} = '' OR request_model = {model:String} OR response_model = {model:String})
    AND ({provider:String} = '' OR provider = {provider:String})
    AND cache_status != 'DISABLED'
GROUP BY prompt_id, model
ORDER BY saved_usd DESC NULLS LAST, hits DESC, prompt_id, model
