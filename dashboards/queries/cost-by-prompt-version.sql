-- Cost by prompt version
-- What each version of each prompt cost a call, with its tokens and failures, to see what a new version changed.
--
-- Parameters:
--   since DateTime('UTC') = 30d  Calls that began in that hour or later
--   until DateTime('UTC') = now  Up to then, which is not included
--   prompt String = ''           Only this prompt; empty for all
--
-- Columns:
--   prompt_id String                       Prompt template
--   prompt_version LowCardinality(String)  Its version
--   calls UInt64                           Calls
--   cost_usd Nullable(Decimal(38, 12))     What is known of their cost; NULL if nothing is (USD)
--   usd_per_call Nullable(Float64)         Known cost by calls (USD)
--   input_tokens_per_call Float64          Mean input (tokens)
--   output_tokens_per_call Float64         Mean output (tokens)
--   failed_share Float64                   Share that failed, 0 to 1; a client that left is no failure
--   first_at DateTime64(6, 'UTC')          Start of the first
--   last_at DateTime64(6, 'UTC')           Start of the last
SELECT
    prompt_id,
    prompt_version,
    sum(made.calls) AS calls,
    sum(cost_usd) AS cost_usd,
    round(toFloat64(cost_usd) / calls, 8) AS usd_per_call,
    round(sum(input_tokens) / calls, 1) AS input_tokens_per_call,
    round(sum(output_tokens) / calls, 1) AS output_tokens_per_call,
    round(sumIf(made.calls, outcome NOT IN ('ok', 'cache_hit', 'client_gone')) / calls, 4) AS failed_share,
    toDateTime64(min(made.first_at), 6, 'UTC') AS first_at,
    toDateTime64(max(made.last_at), 6, 'UTC') AS last_at
FROM llm.calls_by_hour AS made
WHERE hour >= toStartOfHour({since:DateTime('UTC')})
    AND hour < {until:DateTime('UTC')}
    AND prompt_id != ''
    AND ({prompt:String} = '' OR prompt_id = {prompt:String})
GROUP BY prompt_id, prompt_version
ORDER BY prompt_id, first_at
