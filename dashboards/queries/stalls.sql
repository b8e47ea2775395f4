-- Streams that stalled
-- Streams with a gap between tokens longer than a limit, by model, with one example to look at.
--
-- Parameters:
--   since DateTime('UTC') = 7d   Calls that began then or later
--   until DateTime('UTC') = now  Up to then, which is not included
--   stall Float64 = 1000         Gap that counts as a stall (ms)
--   model String = ''            Only this model, as asked for or as answered; empty for all
--   provider String = ''         Only this provider; empty for all
--
-- Columns:
--   provider LowCardinality(String)   Slug of the provider
--   model String                      Model that was asked for
--   streams UInt64                    Streams with two tokens or more
--   stalled UInt64                    Of these, those that stalled
--   stalled_share Float64             Their share, 0 to 1
--   long_gaps UInt64                  Gaps of more than a second in all streams, whatever the limit is
--   longest_gap_ms Nullable(Float64)  Longest gap (ms)
--   example Nullable(UUID)            The call with it
SELECT
    provider,
    if(request_model = '', 'none', request_model) AS model,
    count() AS streams,
    countIf(itl_max_ms >= {stall:Float64}) AS stalled,
    round(stalled / streams, 4) AS stalled_share,
    sum(ifNull(stalls, 0)) AS long_gaps,
    round(max(itl_max_ms), 1) AS longest_gap_ms,
    argMax(call_id, itl_max_ms) AS example
FROM llm.calls
WHERE started_at >= {since:DateTime('UTC')}
    AND started_at < {until:DateTime('UTC')}
    AND ({model:String} = '' OR request_model = {model:String} OR response_model = {model:String})
    AND ({provider:String} = '' OR provider = {provider:String})
    AND itl_max_ms IS NOT NULL
GROUP BY provider, model
HAVING stalled > 0
ORDER BY stalled_share DESC, provider, model
