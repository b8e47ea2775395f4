SELECT
    @step AS time,
    sum(uncached_input_tokens) AS "not cached",
    sum(cache_write_tokens) AS "written to the cache",
    sum(cache_read_tokens) AS "read from the cache"
FROM @minutes
GROUP BY time
ORDER BY time
