-- The same request again and again
-- Requests that were paid for several times word for word: what a cache would have saved at most.
--
-- Parameters:
--   since DateTime('UTC') = 7d   Calls that began then or later
--   until DateTime('UTC') = now  Up to then, which is not included
--   model String = ''            Only this model, as asked for or as answered; empty for all
--   provider String = ''         Only this provider; empty for all
--   limit UInt32 = 20            Most rows
--
-- Columns:
--   request_hash String                 Hash of the request's meaning
--   name String                         Name of one of its spans
--   provider String                     Slug of the provider
--   model String                        Model that was asked for
--   calls UInt64                        Calls
--   cost_usd Nullable(Decimal(38, 12))  What is known of their cost; NULL if nothing is (USD)
--   avoidable_usd Nullable(Float64)     Of this, all but the first call (USD)
--   first_at DateTime64(6, 'UTC')       Start of the first
--   last_at DateTime64(6, 'UTC')        Start of the last
--   example UUID                        The newest call
WITH
    repeated AS
    (
        SELECT request_hash
        FROM llm.calls
        WHERE started_at >= {since:DateTime('UTC')}
            AND started_at < {until:DateTime('UTC')}
            AND ({model:String} = '' OR request_model = {model:String} OR response_model = {model:String})
            AND ({provider:String} = '' OR provider = {provider:String})
            AND request_hash != ''
            AND outcome = 'ok'
        GROUP BY request_hash
        HAVING count() > 1
        ORDER BY toFloat64(sum(cost_usd)) * (count() - 1) / count() DESC NULLS LAST, count() DESC, request_hash
        LIMIT {limit:UInt32}
    )
SELECT
    request_hash,
    any(span_name) AS name,
    any(made.provider) AS provider,
    any(request_model) AS model,
    count() AS calls,
    sum(made.cost_usd) AS cost_usd,
    round(toFloat64(cost_usd) * (calls - 1) / calls, 8) AS avoidable_usd,
    min(started_at) AS first_at,
    max(started_at) AS last_at,
    argMax(call_id, started_at) AS example
FROM llm.calls AS made
WHERE started_at >= {since:DateTime('UTC')}
    AND started_at < {until:DateTime('UTC')}
    AND request_hash IN (SELECT request_hash FROM repeated)
    AND outcome = 'ok'
GROUP BY request_hash
ORDER BY avoidable_usd DESC NULLS LAST, calls DESC, request_hash
