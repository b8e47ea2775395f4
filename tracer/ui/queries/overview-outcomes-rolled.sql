-- The same as overview-outcomes.sql, from a roll-up.
SELECT outcome, sum(made.calls) AS calls
FROM $roll_up AS made
WHERE $moment >= {since:DateTime64(6, 'UTC')} AND $moment < {until:DateTime64(6, 'UTC')} AND $visible
GROUP BY outcome
ORDER BY calls DESC
