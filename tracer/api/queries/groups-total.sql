-- How many different values a property of the calls has.
SELECT uniqExact($dimension) AS total
FROM llm.calls
WHERE $filters AND $present
