-- Feedback by prompt version
-- What people thought of each version of each prompt; a feedback counts once, however many calls its trace has.
--
-- Parameters:
--   since DateTime('UTC') = 30d  Calls that began then or later
--   until DateTime('UTC') = now  Up to then, which is not included
--   prompt String = ''           Only this prompt; empty for all
--
-- Columns:
--   prompt_id String                       Prompt template
--   prompt_version LowCardinality(String)  Its version
--   feedbacks UInt64                       Feedbacks
--   good_share Float64                     Share above 0, 0 to 1
--   weighted_mean Nullable(Float64)        Mean value by weight, -10 to 10
--   worst Float64                          Lowest value
--   best Float64                           Highest value
--   first_at DateTime64(6, 'UTC')          Start of the first call that one is about
--   last_at DateTime64(6, 'UTC')           Start of the last
SELECT
    prompt_id,
    prompt_version,
    count() AS feedbacks,
    round(countIf(value > 0) / feedbacks, 4) AS good_share,
    round(sum(value * weight) / nullIf(sum(weight), 0), 2) AS weighted_mean,
    min(value) AS worst,
    max(value) AS best,
    min(started_at) AS first_at,
    max(started_at) AS last_at
FROM
(
    SELECT feedback_id, prompt_id, prompt_version, any(value) AS value, any(weight) AS weight, min(started_at) AS started_at
    FROM llm.call_feedback AS given
    WHERE given.started_at >= {since:DateTime('UTC')}
        AND given.started_at < {until:DateTime('UTC')}
        AND prompt_id != ''
        AND ({prompt:String} = '' OR prompt_id = {prompt:String})
    GROUP BY feedback_id, prompt_id, prompt_version
)
GROUP BY prompt_id, prompt_version
ORDER BY prompt_id, first_at
