-- Outcomes by model
-- Each model's calls by how they ended.
--
-- Parameters:
--   since DateTime('UTC') = 7d   Calls that began in that minute or later
--   until DateTime('UTC') = now  Up to then, which is not included
--   model String = ''            Only this model, as asked for or as answered; empty for all
--   provider String = ''         Only this provider; empty for all
--
-- Columns:
--   provider LowCardinality(String)  Slug of the provider
--   model String                     Model that was asked for
--   calls UInt64                     Calls
--   ok UInt64                        Ended well
--   cache_hit UInt64                 Answered from Tracer's cache
--   upstream_error UInt64            The provider answered with an error, or could not be reached
--   stream_error UInt64              Error or cut inside a stream
--   timeout UInt64                   A time limit was over
--   client_gone UInt64               The client left
--   refused UInt64                   Tracer itself said no
--   failed_share Float64             Share that failed, 0 to 1; a client that left is no failure
SELECT
    provider,
    if(request_model = '', 'none', request_model) AS model,
    sum(made.calls) AS calls,
    sumIf(made.calls, outcome = 'ok') AS ok,
    sumIf(made.calls, outcome = 'cache_hit') AS cache_hit,
    sumIf(made.calls, outcome = 'upstream_error') AS upstream_error,
    sumIf(made.calls, outcome = 'stream_error') AS stream_error,
    sumIf(made.calls, outcome = 'timeout') AS timeout,
    sumIf(made.calls, outcome = 'client_gone') AS client_gone,
    sumIf(made.calls, outcome = 'refused') AS refused,
    round(sumIf(made.calls, outcome NOT IN ('ok', 'cache_hit', 'client_gone')) / calls, 4) AS failed_share
FROM llm.calls_by_minute AS made
WHERE minute >= toStartOfMinute({since:DateTime('UTC')})
    AND minute < {until:DateTime('UTC')}
    AND ({model:String} = '' OR request_model = {model:String} OR response_model = {model:String})
    AND ({provider:String} = '' OR provider = {provider:String})
GROUP BY provider, model
ORDER BY failed_share DESC, calls DESC, provider, model
