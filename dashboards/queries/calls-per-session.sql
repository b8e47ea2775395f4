-- Length of sessions
-- How many calls sessions have: how many sessions of each length, and what they cost.
--
-- Parameters:
--   since DateTime('UTC') = 7d   Calls that began then or later
--   until DateTime('UTC') = now  Up to then, which is not included
--   user String = ''             Only this user; empty for all
--
-- Columns:
--   length String                       Calls in the session
--   sessions UInt64                     Sessions
--   share Float64                       Share of the sessions, 0 to 1
--   cost_usd Nullable(Decimal(38, 12))  What is known of their cost; NULL if nothing is (USD)
--   mean_minutes Float64                Mean time from the first call to the last (min)
SELECT
    multiIf(calls = 1, '1', calls = 2, '2', calls <= 5, '3-5', calls <= 10, '6-10', calls <= 20, '11-20', 'over 20') AS length,
    count() AS sessions,
    round(sessions / sum(count()) OVER (), 4) AS share,
    sum(calls_cost) AS cost_usd,
    round(avg(minutes), 1) AS mean_minutes
FROM
(
    SELECT session_id, count() AS calls, sum(cost_usd) AS calls_cost, dateDiff('second', min(started_at), max(started_at)) / 60 AS minutes
    FROM llm.calls
    WHERE started_at >= {since:DateTime('UTC')}
        AND started_at < {until:DateTime('UTC')}
        AND ({user:String} = '' OR user = {user:String})
        AND session_id != ''
    GROUP BY session_id
)
GROUP BY length
ORDER BY min(calls)
