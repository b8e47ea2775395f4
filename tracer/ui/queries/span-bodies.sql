-- What an application's spans of one trace were given and gave back, the beginnings; the page binds which spans, and when they began.
SELECT
    trace_id,
    span_id,
    leftUTF8(bodies.input, {longest:UInt32}) AS input,
    leftUTF8(bodies.output, {longest:UInt32}) AS output,
    leftUTF8(bodies.expected, {longest:UInt32}) AS expected,
    lengthUTF8(bodies.input) AS input_size,
    lengthUTF8(bodies.output) AS output_size,
    lengthUTF8(bodies.expected) AS expected_size
FROM llm.span_bodies AS bodies FINAL
WHERE trace_id IN {trace_ids:Array(String)}
    AND span_id IN {span_ids:Array(String)}
    AND started_at >= fromUnixTimestamp64Micro({first_us:Int64}, 'UTC')
    AND started_at <= fromUnixTimestamp64Micro({last_us:Int64}, 'UTC')
    AND $visible_workspace
ORDER BY started_at, span_id
LIMIT {limit:UInt32}
