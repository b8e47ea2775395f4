-- Slowest traces
-- The traces that took longest from their first call's start to their last one's end.
--
-- Parameters:
--   since DateTime('UTC') = 24h  Calls that began then or later
--   until DateTime('UTC') = now  Up to then, which is not included
--   user String = ''             Only this user; empty for all
--   limit UInt32 = 20            Most rows
--
-- Columns:
--   trace_id String                     Trace id as it was sent
--   started_at DateTime64(6, 'UTC')     Start of its first call
--   user String                         User; empty if nobody was named
--   name String                         Name of its first span
--   calls UInt64                        Calls
--   span_ms Float64                     From the start of its first call to the end of its last (ms)
--   in_calls_ms Float64                 Sum of its calls' durations (ms)
--   failed UInt64                       Calls that failed
--   cost_usd Nullable(Decimal(38, 12))  What is known of their cost; NULL if nothing is (USD)
WITH
    slowest AS
    (
        SELECT otel_trace_id
        FROM llm.calls
        WHERE started_at >= {since:DateTime('UTC')}
            AND started_at < {until:DateTime('UTC')}
            AND ({user:String} = '' OR user = {user:String})
        GROUP BY otel_trace_id
        ORDER BY max(toUnixTimestamp64Micro(started_at) + duration_ms * 1000) - min(toUnixTimestamp64Micro(started_at)) DESC, otel_trace_id
        LIMIT {limit:UInt32}
    )
SELECT
    any(made.trace_id) AS trace_id,
    min(made.started_at) AS started_at,
    any(made.user) AS user,
    any(span_name) AS name,
    count() AS calls,
    round(max(toUnixTimestamp64Micro(made.started_at) / 1000 + duration_ms) - min(toUnixTimestamp64Micro(made.started_at)) / 1000, 1) AS span_ms,
    round(sum(duration_ms), 1) AS in_calls_ms,
    countIf(outcome NOT IN ('ok', 'cache_hit', 'client_gone')) AS failed,
    sum(cost_usd) AS cost_usd
FROM llm.calls AS made
WHERE made.started_at >= {since:DateTime('UTC')}
    AND made.started_at < {until:DateTime('UTC')}
    AND otel_trace_id IN (SELECT otel_trace_id FROM slowest)
GROUP BY otel_trace_id
ORDER BY span_ms DESC, trace_id
