-- Whether there is any call at all: the first page says something else if not.
SELECT count() AS calls FROM (SELECT 1 FROM llm.calls WHERE $visible LIMIT 1)
