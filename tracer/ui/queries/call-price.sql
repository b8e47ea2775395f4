-- The rates by which one call was counted.
SELECT *
FROM llm.prices FINAL
WHERE price_id != '' AND price_id = (SELECT price_id FROM llm.calls WHERE call_id = {call_id:UUID} AND $visible LIMIT 1)
LIMIT 1
