-- Slowest calls
-- The calls that took longest, and where the time went.
--
-- Parameters:
--   since DateTime('UTC') = 24h  Calls that began then or later
--   until DateTime('UTC') = now  Up to then, which is not included
--   model String = ''            Only this model, as asked for or as answered; empty for all
--   provider String = ''         Only this provider; empty for all
--   user String = ''             Only this user; empty for all
--   limit UInt32 = 20            Most rows
--
-- Columns:
--   started_at DateTime64(6, 'UTC')   When it began
--   call_id UUID                      Its row in `llm.calls`
--   trace_id String                   Its trace
--   provider LowCardinality(String)   Slug of the provider
--   model String                      Model that was asked for
--   outcome LowCardinality(String)    How it ended
--   duration_ms Float64               From acceptance to the end (ms)
--   connect_ms Nullable(Float64)      Time to open a connection; NULL if an open one was used (ms)
--   ttfb_ms Nullable(Float64)         To the first byte of the answer (ms)
--   ttft_ms Nullable(Float64)         To the first token of a stream (ms)
--   longest_gap_ms Nullable(Float64)  Longest gap between two tokens (ms)
--   input_tokens Nullable(Int64)      Input (tokens)
--   output_tokens Nullable(Int64)     Output (tokens)
SELECT
    started_at,
    call_id,
    trace_id,
    provider,
    if(request_model = '', 'none', request_model) AS model,
    outcome,
    round(duration_ms, 1) AS duration_ms,
    round(upstream_connect_ms, 1) AS connect_ms,
    round(ttfb_ms, 1) AS ttfb_ms,
    round(ttft_ms, 1) AS ttft_ms,
    round(itl_max_ms, 1) AS longest_gap_ms,
    input_tokens,
    output_tokens
FROM llm.calls AS made
WHERE started_at >= {since:DateTime('UTC')}
    AND started_at < {until:DateTime('UTC')}
    AND ({model:String} = '' OR request_model = {model:String} OR response_model = {model:String})
    AND ({provider:String} = '' OR provider = {provider:String})
    AND ({user:String} = '' OR user = {user:String})
ORDER BY made.duration_ms DESC, call_id
LIMIT {limit:UInt32}
