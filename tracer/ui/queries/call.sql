-- One call with all its columns; its cost to the last digit.
SELECT *, if(response_model = '', request_model, response_model) AS model, toString(cost_usd) AS exact_cost
FROM llm.calls
WHERE call_id = {call_id:UUID} AND $visible
LIMIT 1
