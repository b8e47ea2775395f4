SELECT
    table,
    sum(rows) AS rows,
    sum(bytes_on_disk) AS on_disk,
    sum(data_uncompressed_bytes) AS uncompressed,
    count() AS parts,
    max(modification_time) AS written_at
FROM system.parts
WHERE database = 'llm' AND active
GROUP BY table
ORDER BY on_disk DESC
