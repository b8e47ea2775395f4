-- Fingerprints
-- Every `system_fingerprint`, when it was first and last seen, and its share of its model's answers in the time asked
-- for.
--
-- Parameters:
--   since DateTime('UTC') = 30d  Calls that began in that hour or later
--   until DateTime('UTC') = now  Up to then, which is not included
--   model String = ''            Only this model, as asked for or as answered; empty for all
--   provider String = ''         Only this provider; empty for all
--
-- Columns:
--   provider LowCardinality(String)            Slug of the provider
--   model String                               Model that was asked for
--   system_fingerprint LowCardinality(String)  The provider's mark of the configuration that answered
--   first_at DateTime64(6, 'UTC')              First seen, ever
--   last_at DateTime64(6, 'UTC')               Last seen, ever
--   calls UInt64                               Answers with it in the time asked for
--   share Float64                              Share of the model's answers then, 0 to 1
SELECT
    provider,
    if(request_model = '', 'none', request_model) AS model,
    system_fingerprint,
    toDateTime64(min(made.first_at), 6, 'UTC') AS first_at,
    toDateTime64(max(made.last_at), 6, 'UTC') AS last_at,
    sumIf(made.calls, in_time) AS calls,
    round(calls / sum(sumIf(made.calls, in_time)) OVER (PARTITION BY provider, model), 4) AS share
FROM
(
    SELECT *, hour >= toStartOfHour({since:DateTime('UTC')}) AND hour < {until:DateTime('UTC')} AS in_time
    FROM llm.calls_by_hour
    WHERE system_fingerprint != ''
        AND ({model:String} = '' OR request_model = {model:String} OR response_model = {model:String})
        AND ({provider:String} = '' OR provider = {provider:String})
) AS made
GROUP BY provider, model, system_fingerprint
HAVING calls > 0
ORDER BY provider, model, first_at, system_fingerprint
