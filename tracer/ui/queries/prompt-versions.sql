-- What became of the calls of each version of one prompt in a time. A call has the prompt's slug or its id, as its caller wrote.
SELECT
    prompt_version AS version,
    $number AS called,
    $failed AS failed,
    $cost_each AS cost_each,
    $input_each AS input_each,
    $output_each AS output_each,
    $ttft_50 AS ttft,
    $duration_50 AS duration,
    $duration_95 AS duration_95,
    arraySort(groupUniqArrayIf(5)(toString(request_model), request_model != '')) AS models,
    $last AS last_called
FROM $table
WHERE $time >= {since:DateTime64(6, 'UTC')} AND $time < {until:DateTime64(6, 'UTC')} AND prompt_id IN {names:Array(String)} AND $visible
GROUP BY version
ORDER BY toUInt64OrZero(version) DESC, version DESC
LIMIT 200
