-- What became of the calls of each prompt in a time.
SELECT
    prompt_id,
    $number AS called,
    $failed AS failed,
    $cost AS cost,
    $duration_50 AS duration,
    $last AS last_called
FROM $table
WHERE $time >= {since:DateTime64(6, 'UTC')} AND $time < {until:DateTime64(6, 'UTC')} AND prompt_id != '' AND $visible
GROUP BY prompt_id
ORDER BY called DESC
LIMIT {limit:UInt32}
