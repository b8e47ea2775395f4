-- Feedback by model
-- What people thought of the answers of each model; a feedback on a trace counts for every model in it.
--
-- Parameters:
--   since DateTime('UTC') = 30d  Calls that began then or later
--   until DateTime('UTC') = now  Up to then, which is not included
--   provider String = ''         Only this provider; empty for all
--
-- Columns:
--   provider LowCardinality(String)  Slug of the provider
--   model String                     Model that was asked for
--   feedbacks UInt64                 Feedbacks
--   good_share Float64               Share above 0, 0 to 1
--   weighted_mean Nullable(Float64)  Mean value by weight, -10 to 10
SELECT
    provider,
    if(request_model = '', 'none', request_model) AS model,
    uniqExact(feedback_id) AS feedbacks,
    round(uniqExactIf(feedback_id, value > 0) / feedbacks, 4) AS good_share,
    round(sum(weighted_value) / nullIf(sum(weight), 0), 2) AS weighted_mean
FROM llm.call_feedback
WHERE started_at >= {since:DateTime('UTC')}
    AND started_at < {until:DateTime('UTC')}
    AND ({provider:String} = '' OR provider = {provider:String})
GROUP BY provider, model
ORDER BY feedbacks DESC, provider, model
