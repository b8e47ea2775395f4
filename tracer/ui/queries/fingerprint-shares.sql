-- How many calls of each model each fingerprint answered, by bucket of time.
SELECT
    provider,
    if(request_model = '', response_model, request_model) AS model,
    system_fingerprint AS fingerprint,
    intDiv(toUnixTimestamp($time), {bucket:UInt32}) * {bucket:UInt32} AS bucket,
    $number AS answered
FROM $table
WHERE $time >= {since:DateTime64(6, 'UTC')} AND $time < {until:DateTime64(6, 'UTC')} AND system_fingerprint != '' AND $visible
GROUP BY provider, model, fingerprint, bucket
ORDER BY bucket
LIMIT {limit:UInt32}
