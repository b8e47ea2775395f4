-- Newest calls
-- The newest calls, one line each.
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
--   started_at DateTime64(6, 'UTC')     When it began
--   call_id UUID                        Its row in `llm.calls`
--   trace_id String                     Its trace
--   user String                         User; empty if nobody was named
--   provider LowCardinality(String)     Slug of the provider
--   model String                        Model that was asked for
--   outcome LowCardinality(String)      How it ended
--   status_code UInt16                  HTTP status that the client got; 0 if it left before
--   input_tokens Nullable(Int64)        Input (tokens)
--   output_tokens Nullable(Int64)       Output (tokens)
--   cost_usd Nullable(Decimal(18, 12))  What it cost; NULL if that is unknown (USD)
--   duration_ms Float64                 From acceptance to the end (ms)
--   ttft_ms Nullable(Float64)           To the first token of a stream (ms)
SELECT
    started_at,
    call_id,
    trace_id,
    user,
    provider,
    if(request_model = '', 'none', request_model) AS model,
    outcome,
    status_code,
    input_tokens,
    output_tokens,
    cost_usd,
    round(duration_ms, 1) AS duration_ms,
    round(ttft_ms, 1) AS ttft_ms
FROM llm.calls
WHERE started_at >= {since:DateTime('UTC')}
    AND started_at < {until:DateTime('UTC')}
    AND ({model:String} = '' OR request_model = {model:String} OR response_model = {model:String})
    AND ({provider:String} = '' OR provider = {provider:String})
    AND ({user:String} = '' OR user = {user:String})
ORDER BY started_at DESC, call_id
LIMIT {limit:UInt32}
