-- How often calls failed with each status, the most frequent first.
SELECT status_code, count() AS count, sum(count()) OVER () AS total_errors, count() OVER () AS unique_error_codes
FROM llm.calls
WHERE $filters AND $failed
GROUP BY status_code
ORDER BY count DESC, status_code
