-- First and last seen are of all that is kept, from the sums of hours; the rest is of the time range.
WITH
    quantilesTDigestMerge(0.5, 0.95, 0.99)(ttft_state) AS ttft,
    quantilesTDigestMerge(0.5, 0.95, 0.99)(duration_state) AS whole,
    seen AS
    (
        SELECT provider, request_model, system_fingerprint, toDateTime64(min(first_at), 6, 'UTC') AS first_seen, toDateTime64(max(last_at), 6, 'UTC') AS last_seen
        FROM llm.calls_by_hour
        WHERE system_fingerprint != '' AND @named
        GROUP BY provider, request_model, system_fingerprint
    )
SELECT
    provider,
    @model AS model,
    system_fingerprint AS fingerprint,
    seen.first_seen AS first_seen,
    seen.last_seen AS last_seen,
    sum(n) AS calls,
    calls / sum(calls) OVER (PARTITION BY provider, model) AS share,
    ttft[1] AS first_token,
    whole[1] AS duration,
    sum(usd) / calls AS per_call,
    sum(output_tokens) / calls AS tokens_out,
    arrayStringConcat(arraySort(groupUniqArray(5)(toString(response_model))), ', ') AS answered_by
FROM @hours AS made
GLOBAL LEFT JOIN seen USING (provider, request_model, system_fingerprint)
WHERE system_fingerprint != ''
GROUP BY provider, model, fingerprint, first_seen, last_seen
ORDER BY provider, model, first_seen DESC
LIMIT 200
