-- Why answers ended
-- The finish reasons of each model: answers cut at their limit, calls of tools.
--
-- Parameters:
--   since DateTime('UTC') = 7d   Calls that began then or later
--   until DateTime('UTC') = now  Up to then, which is not included
--   model String = ''            Only this model, as asked for or as answered; empty for all
--   provider String = ''         Only this provider; empty for all
--
-- Columns:
--   provider LowCardinality(String)       Slug of the provider
--   model String                          Model that was asked for
--   finish_reason LowCardinality(String)  `stop`, `length`, `tool_calls`, …; `error` for a choice that was cut off
--   answers UInt64                        Choices
--   share Float64                         Share of the model's, 0 to 1
--   mean_output_tokens Nullable(Float64)  Mean output of their calls (tokens)
SELECT
    provider,
    if(request_model = '', 'none', request_model) AS model,
    finish_reason,
    count() AS answers,
    round(count() / sum(count()) OVER (PARTITION BY provider, model), 4) AS share,
    round(avg(output_tokens), 1) AS mean_output_tokens
FROM llm.calls
ARRAY JOIN finish_reasons AS finish_reason
WHERE started_at >= {since:DateTime('UTC')}
    AND started_at < {until:DateTime('UTC')}
    AND ({model:String} = '' OR request_model = {model:String} OR response_model = {model:String})
    AND ({provider:String} = '' OR provider = {provider:String})
GROUP BY provider, model, finish_reason
ORDER BY provider, model, answers DESC, finish_reason
