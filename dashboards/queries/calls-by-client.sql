-- SDKs
-- Which SDKs and versions call, through which door.
--
-- Parameters:
--   since DateTime('UTC') = 7d   Calls that began then or later
--   until DateTime('UTC') = now  Up to then, which is not included
--
-- Columns:
--   client LowCardinality(String)  SDK and version
--   door LowCardinality(String)    Front door
--   calls UInt64                   Calls
--   users UInt64                   Different users
--   stream_share Float64           Share of streams, 0 to 1
--   failed_share Float64           Share that failed, 0 to 1; a client that left is no failure
--   last_at DateTime64(6, 'UTC')   Start of the last
SELECT
    client,
    door,
    count() AS calls,
    uniqExact(user) AS users,
    round(countIf(stream) / calls, 4) AS stream_share,
    round(countIf(outcome NOT IN ('ok', 'cache_hit', 'client_gone')) / calls, 4) AS failed_share,
    max(started_at) AS last_at
FROM llm.calls
WHERE started_at >= {since:DateTime('UTC')}
    AND started_at < {until:DateTime('UTC')}
GROUP BY client, door
ORDER BY calls DESC, client, door
