-- Retries
-- Calls that an SDK sent again, by model: how many came well in the end, and what the waiting cost.
--
-- Parameters:
--   since DateTime('UTC') = 7d   Calls that began then or later
--   until DateTime('UTC') = now  Up to then, which is not included
--   model String = ''            Only this model, as asked for or as answered; empty for all
--   provider String = ''         Only this provider; empty for all
--
-- Columns:
--   provider LowCardinality(String)     Slug of the provider
--   model String                        Model that was asked for
--   first_tries UInt64                  Calls that were first tries
--   repeats UInt64                      Calls that were repeats
--   repeat_share Float64                Repeats by first tries
--   rescued UInt64                      Repeats that ended well
--   most_repeats Int64                  Most repeats of one call
--   repeat_seconds Float64              Time that the repeats took (s)
--   cost_usd Nullable(Decimal(38, 12))  What the repeats cost (USD)
SELECT
    provider,
    if(request_model = '', 'none', request_model) AS model,
    countIf(attempt = 0) AS first_tries,
    countIf(attempt > 0) AS repeats,
    round(repeats / first_tries, 4) AS repeat_share,
    countIf(attempt > 0 AND outcome = 'ok') AS rescued,
    max(attempt) AS most_repeats,
    round(sumIf(duration_ms, attempt > 0) / 1000, 1) AS repeat_seconds,
    sumIf(made.cost_usd, attempt > 0) AS cost_usd
FROM llm.calls AS made
WHERE started_at >= {since:DateTime('UTC')}
    AND started_at < {until:DateTime('UTC')}
    AND ({model:String} = '' OR request_model = {model:String} OR response_model = {model:String})
    AND ({provider:String} = '' OR provider = {provider:String})
GROUP BY provider, model
HAVING repeats > 0
ORDER BY repeat_share DESC, provider, model
