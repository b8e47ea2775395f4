-- One feedback as it stands, for PUT /v1/feedback/{id}.
SELECT
    toString(feedback_id) AS id,
    trace_id,
    value,
    weight,
    metadata,
    toUnixTimestamp64Micro(created_at) * 1000 AS created_ns,
    version,
    toString(key_id) AS key_id,
    toString(workspace) AS workspace
FROM llm.feedback FINAL
WHERE feedback_id = {feedback_id:UUID}
