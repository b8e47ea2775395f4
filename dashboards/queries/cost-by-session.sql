-- Dearest sessions
-- The sessions that cost most, with their calls and how long they went on.
--
-- Parameters:
--   since DateTime('UTC') = 7d   Calls that began then or later
--   until DateTime('UTC') = now  Up to then, which is not included
--   user String = ''             Only this user; empty for all
--   limit UInt32 = 20            Most rows
--
-- Columns:
--   session_id String                   Session
--   user String                         User; empty if nobody was named
--   calls UInt64                        Calls
--   traces UInt64                       Traces
--   tokens Nullable(Int64)              Input and output (tokens)
--   cost_usd Nullable(Decimal(38, 12))  What is known of their cost; NULL if nothing is (USD)
--   first_at DateTime64(6, 'UTC')       Start of the first
--   last_at DateTime64(6, 'UTC')        Start of the last
WITH
    dearest AS
    (
        SELECT session_id
        FROM llm.calls
        WHERE started_at >= {since:DateTime('UTC')}
            AND started_at < {until:DateTime('UTC')}
            AND ({user:String} = '' OR user = {user:String})
            AND session_id != ''
        GROUP BY session_id
        ORDER BY sum(cost_usd) DESC NULLS LAST, session_id
        LIMIT {limit:UInt32}
    )
SELECT
    session_id,
    any(made.user) AS user,
    count() AS calls,
    uniqExact(otel_trace_id) AS traces,
    sum(total_tokens) AS tokens,
    sum(made.cost_usd) AS cost_usd,
    min(started_at) AS first_at,
    max(started_at) AS last_at
FROM llm.calls AS made
WHERE started_at >= {since:DateTime('UTC')}
    AND started_at < {until:DateTime('UTC')}
    AND session_id IN (SELECT session_id FROM dearest)
GROUP BY session_id
ORDER BY cost_usd DESC NULLS LAST, session_id
