-- Throughput
-- Calls and tokens, step by step, and the busiest minute of each.
--
-- Parameters:
--   since DateTime('UTC') = 24h  Calls that began in that minute or later
--   until DateTime('UTC') = now  Up to then, which is not included
--   step UInt32 = 3600           Length of a step, a multiple of 60 (s)
--   model String = ''            Only this model, as asked for or as answered; empty for all
--   provider String = ''         Only this provider; empty for all
--
-- Columns:
--   time DateTime('UTC')              Beginning of the step, UTC
--   calls UInt64                      Calls
--   calls_per_second Float64          Over the whole step
--   busiest_minute_calls UInt64       Calls in its busiest minute
--   input_tokens Int64                Input (tokens)
--   output_tokens Int64               Output (tokens)
--   output_tokens_per_second Float64  Over the whole step
SELECT
    toStartOfInterval(minute, toIntervalSecond({step:UInt32})) AS time,
    sum(in_minute) AS calls,
    round(calls / {step:UInt32}, 3) AS calls_per_second,
    max(in_minute) AS busiest_minute_calls,
    sum(tokens_in) AS input_tokens,
    sum(tokens_out) AS output_tokens,
    round(output_tokens / {step:UInt32}, 1) AS output_tokens_per_second
FROM
(
    SELECT minute, sum(calls) AS in_minute, sum(input_tokens) AS tokens_in, sum(output_tokens) AS tokens_out
    FROM llm.calls_by_minute
    WHERE minute >= toStartOfMinute({since:DateTime('UTC')})
        AND minute < {until:DateTime('UTC')}
        AND ({model:String} = '' OR request_model = {model:String} OR response_model = {model:String})
        AND ({provider:String} = '' OR provider = {provider:String})
    GROUP BY minute
)
GROUP BY time
ORDER BY time
