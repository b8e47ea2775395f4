-- Each fingerprint of each model in a time: when it was seen first and last, and how its calls went. A model is the one that was
-- asked for, since calls that failed have no other name.
SELECT
    provider,
    if(request_model = '', response_model, request_model) AS model,
    system_fingerprint AS fingerprint,
    $first AS first_seen,
    $last AS last_seen,
    $number AS answered,
    arraySort(groupUniqArray(5)(toString(response_model))) AS answered_as,
    $ttft_50 AS ttft,
    $duration_50 AS duration,
    $cost_each AS cost
FROM $table
WHERE $time >= {since:DateTime64(6, 'UTC')} AND $time < {until:DateTime64(6, 'UTC')} AND system_fingerprint != '' AND $visible
GROUP BY provider, model, fingerprint
ORDER BY provider, model, first_seen DESC
LIMIT {limit:UInt32}
