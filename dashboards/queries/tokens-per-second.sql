-- Speed of generation
-- How many tokens a second each model wrote to a stream once it had begun.
--
-- Parameters:
--   since DateTime('UTC') = 7d   Calls that began then or later
--   until DateTime('UTC') = now  Up to then, which is not included
--   model String = ''            Only this model, as asked for or as answered; empty for all
--   provider String = ''         Only this provider; empty for all
--
-- Columns:
--   provider LowCardinality(String)  Slug of the provider
--   model String                     Model that was asked for
--   streams UInt64                   Streams that ended well
--   slow_per_second Float32          5th percentile (tokens/s)
--   median_per_second Float32        Median (tokens/s)
--   fast_per_second Float32          95th percentile (tokens/s)
WITH quantilesTDigest(0.05, 0.5, 0.95)(text_output_tokens / nullIf(duration_ms - ttft_ms, 0) * 1000) AS speeds
SELECT
    provider,
    if(request_model = '', 'none', request_model) AS model,
    count() AS streams,
    round(speeds[1], 1) AS slow_per_second,
    round(speeds[2], 1) AS median_per_second,
    round(speeds[3], 1) AS fast_per_second
FROM llm.calls
WHERE started_at >= {since:DateTime('UTC')}
    AND started_at < {until:DateTime('UTC')}
    AND ({model:String} = '' OR request_model = {model:String} OR response_model = {model:String})
    AND ({provider:String} = '' OR provider = {provider:String})
    AND outcome = 'ok'
    AND ttft_ms IS NOT NULL
    AND text_output_tokens > 1
GROUP BY provider, model
ORDER BY median_per_second DESC, provider, model
