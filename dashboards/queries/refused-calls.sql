-- Calls that Tracer refused
-- Why Tracer itself said no, and to whom.
--
-- Parameters:
--   since DateTime('UTC') = 7d   Calls that began then or later
--   until DateTime('UTC') = now  Up to then, which is not included
--
-- Columns:
--   error_type LowCardinality(String)  Why
--   status_code UInt16                 HTTP status that the client got; 0 if it left before
--   message String                     In words
--   key_id LowCardinality(String)      Public id of the key that the callers used; empty for none
--   calls UInt64                       Calls
--   clients UInt64                     Different SDKs
--   first_at DateTime64(6, 'UTC')      Start of the first
--   last_at DateTime64(6, 'UTC')       Start of the last
SELECT
    error_type,
    status_code,
    any(error_message) AS message,
    key_id,
    count() AS calls,
    uniqExact(client) AS clients,
    min(started_at) AS first_at,
    max(started_at) AS last_at
FROM llm.calls
WHERE started_at >= {since:DateTime('UTC')}
    AND started_at < {until:DateTime('UTC')}
    AND outcome = 'refused'
GROUP BY error_type, status_code, key_id
ORDER BY calls DESC, error_type, key_id
