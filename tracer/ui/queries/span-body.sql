-- One text of one span of an application's, whole.
SELECT $body AS body
FROM llm.span_bodies FINAL
WHERE trace_id = {trace_id:String} AND span_id = {span_id:String} AND $visible_workspace
LIMIT 1
