-- Largest requests
-- The calls with the most input, by tokens where they are known, else by bytes.
--
-- Parameters:
--   since DateTime('UTC') = 7d   Calls that began then or later
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
--   input_tokens Nullable(Int64)        Input (tokens)
--   cache_read_tokens Nullable(Int64)   Input that the provider read from its cache (tokens)
--   output_tokens Nullable(Int64)       Output (tokens)
--   request_bytes UInt64                Request body on the wire (bytes)
--   outcome LowCardinality(String)      How it ended
--   cost_usd Nullable(Decimal(18, 12))  What it cost; NULL if that is unknown (USD)
SELECT
    started_at,
    call_id,
    trace_id,
    user,
    provider,
    if(request_model = '', 'none', request_model) AS model,
    input_tokens,
    cache_read_tokens,
    output_tokens,
    request_bytes,
    outcome,
    cost_usd
FROM llm.calls
WHERE started_at >= {since:DateTime('UTC')}
    AND started_at < {until:DateTime('UTC')}
    AND ({model:String} = '' OR request_model = {model:String} OR response_model = {model:String})
    AND ({provider:String} = '' OR provider = {provider:String})
    AND ({user:String} = '' OR user = {user:String})
ORDER BY ifNull(input_tokens, toInt64(intDiv(request_bytes, 4))) DESC, call_id
LIMIT {limit:UInt32}
