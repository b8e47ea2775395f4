-- One body of one call, whole.
SELECT $body AS body
FROM llm.bodies
WHERE call_id = {call_id:UUID} AND started_at = (SELECT started_at FROM llm.calls WHERE call_id = {call_id:UUID} AND $visible LIMIT 1)
LIMIT 1
