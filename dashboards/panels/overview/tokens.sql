SELECT
    @step AS time,
    sum(input_tokens) - sum(cache_read_tokens) AS "input",
    sum(cache_read_tokens) AS "input from the provider's cache",
    sum(output_tokens) - sum(reasoning_tokens) AS "output",
    sum(reasoning_tokens) AS "reasoning"
FROM @minutes
GROUP BY time
ORDER BY time
