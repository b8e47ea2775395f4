-- What one trace consists of, earliest first: calls and the application's own spans, as tracer/store/trace.sql finds them.
SELECT *
FROM
(
$trace
)
WHERE if(type = '', $visible, $visible_workspace)
ORDER BY started_us, tie
LIMIT {limit:UInt32}
