-- Failures over time
-- Calls and those that failed, step by step.
--
-- Parameters:
--   since DateTime('UTC') = 24h  Calls that began in that minute or later
--   until DateTime('UTC') = now  Up to then, which is not included
--   step UInt32 = 3600           Length of a step, a multiple of 60 (s)
--   model String = ''            Only this model, as asked for or as answered; empty for all
--   provider String = ''         Only this provider; empty for all
--
-- Columns:
--   time DateTime('UTC')   Beginning of the step, UTC
--   calls UInt64           Calls
--   failed UInt64          Calls that failed
--   failed_share Float64   Share that failed, 0 to 1; a client that left is no failure
--   upstream_error UInt64  The provider answered with an error, or could not be reached
--   stream_error UInt64    Error or cut inside a stream
--   timeout UInt64         A time limit was over
--   refused UInt64         Tracer itself said no
SELECT
    toStartOfInterval(minute, toIntervalSecond({step:UInt32})) AS time,
    sum(made.calls) AS calls,
    sumIf(made.calls, outcome NOT IN ('ok', 'cache_hit', 'client_gone')) AS failed,
    round(failed / calls, 4) AS failed_share,
    sumIf(made.calls, outcome = 'upstream_error') AS upstream_error,
    sumIf(made.calls, outcome = 'stream_error') AS stream_error,
    sumIf(made.calls, outcome = 'timeout') AS timeout,
    sumIf(made.calls, outcome = 'refused') AS refused
FROM llm.calls_by_minute AS made
WHERE minute >= toStartOfMinute({since:DateTime('UTC')})
    AND minute < {until:DateTime('UTC')}
    AND ({model:String} = '' OR request_model = {model:String} OR response_model = {model:String})
    AND ({provider:String} = '' OR provider = {provider:String})
GROUP BY time
ORDER BY time
